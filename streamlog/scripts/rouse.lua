-- Wake a worker that waits at a bell. ARGV: worker.
nudge(ARGV[1])
