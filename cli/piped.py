"""Whether something was piped in beside a question that is given.

Invariant: it waits for at most `FIRST_BYTE_S`, since a pipe may be nobody's: one that the starting program left open
and never writes to. What somebody else reads too is left to him: a file that has been read in part, as in a loop of a
shell over its lines, and all that is neither pipe nor file (a terminal, a socket, none).
Does not know: what is done with it.
"""

import os
import select
import stat
import sys

import typer

FIRST_BYTE_S = 3.0


def piped_in() -> bool:
    """Whether stdin is to be read, to its end; a pipe that brings nothing in time is said and not read."""
    try:
        number = sys.stdin.fileno()
        mode = os.fstat(number).st_mode
        if stat.S_ISREG(mode):
            return os.lseek(number, 0, os.SEEK_CUR) == 0
    except (AttributeError, OSError, ValueError):  # none at all, closed, or a stand-in
        return False
    if not stat.S_ISFIFO(mode):
        return False
    readable, _, _ = select.select([number], [], [], FIRST_BYTE_S)  # its end counts as readable
    if not readable:
        typer.echo(
            f"sluice: the pipe brought nothing in {FIRST_BYTE_S:g} s: asking without it (--file - waits for it)",
            err=True,
        )
    return bool(readable)
