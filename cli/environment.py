"""How a flag reaches a process that is set by its environment."""

import os


def apply(**flags: str | float | None) -> None:
    """Set environment variables to the flags that were given; what was not given stays as it is."""
    os.environ.update({name: str(value) for name, value in flags.items() if value is not None})
