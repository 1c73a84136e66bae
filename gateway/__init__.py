"""HTTP in, server-sent events out: the only room that imports FastAPI.

Puts calls into the queue as jobs and relays what the stream log says about them. The loop that matters is in
`relay`. Never imports `worker`.
"""
