"""The shared concept: jobs, their numbered frames, and the one log that gateway and worker agree on.

Imports nothing of ours. `positions`, `frames`, `lifecycle` and `errors` are pure; `log`, `claims`,
`writer` and `follow` are thin shells over the Lua scripts in `scripts/`, which hold every rule that
must be atomic. Redis keys are named in `keys` and nowhere else.
"""
