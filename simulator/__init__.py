"""A process that speaks Claude's Messages API over HTTP, without a model behind it.

It imports nothing of the other rooms, so that what it says is evidence and not an echo.
"""
