"""The laws of the log, what follows it, and the connection that carries it."""
