"""One line of one script broken at a time, and the law that notices."""

from tests.streamlog.breaks import care, log, queue
from tests.streamlog.breaks.book import Break

BREAKS: list[Break] = [*queue.BREAKS, *log.BREAKS, *care.BREAKS]
