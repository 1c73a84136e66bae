"""One thing for each thread.

A pool of connections that threads share closes one that is idle while another thread takes it, now and then: httpcore's
own race, and none of what is compared here.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerThread(Generic[T]):
    """Makes the thing when a thread asks first."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._local = threading.local()

    def __call__(self) -> T:
        if not hasattr(self._local, "thing"):
            self._local.thing = self._make()
        thing: T = self._local.thing
        return thing
