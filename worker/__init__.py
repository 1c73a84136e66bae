"""Queue in, frames out: takes jobs from Redis, calls Claude, and writes what it says to the stream log.

`arq_worker` is the only file that touches arq, `upstream` the only one that imports the anthropic SDK. The loop
that matters is in `generate`. Never imports `gateway`.
"""
