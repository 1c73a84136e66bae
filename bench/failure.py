"""The one error of this room."""


class BenchFailed(Exception):
    """The figures would be wrong, or there are none: what happened, in a sentence for the reader."""
