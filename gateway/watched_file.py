"""A configuration file that is read again when it changes.

Invariant: a file that will not do changes nothing: what was read before stays, and what is wrong is told once.
Does not know: what the file says.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

_MOST_BYTES = 4 << 20
_LOOK_S = 1.0

Kind = TypeVar("Kind")


class WatchedFile(Generic[Kind]):
    """The file as it was last read well: `value` is what `read` made of its text."""

    value: Kind

    def __init__(self, setting: str, path: str, read: Callable[[str], Kind]) -> None:
        """`read` raises `ValueError` for a text that will not do, and so does this, naming the `setting`."""
        self._setting = setting
        self._path = Path(path)
        self._read = read
        self._seen: object = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the file if it has changed since it was looked at last; answers whether it had.

        Raises `ValueError` when what is there now will not do; what was read before then stays.
        """
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            if isinstance(seen, tuple) and seen[-1] > _MOST_BYTES:
                raise ValueError(f"it has more than {_MOST_BYTES} bytes")
            self.value = self._read(self._text())
        except (OSError, ValueError) as error:
            told = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
            raise ValueError(f"{self._setting}: {self._path}: {told}") from None
        return True

    def _text(self) -> str:
        text = self._path.read_text()
        if not text:  # whoever writes it anew in place has only just begun
            raise ValueError("it is empty")
        return text

    async def watch_for_ever(self, changed: Callable[[], None], refused: Callable[[ValueError], None]) -> None:
        """Look once a second; call `changed` behind each change that was taken over, `refused` for one that was not."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                if await asyncio.to_thread(self.refresh):
                    changed()
            except ValueError as error:
                refused(error)

    def _look(self) -> object:
        try:
            status = self._path.stat()
        except OSError as error:
            return error.errno
        return status.st_ino, status.st_mtime_ns, status.st_size
