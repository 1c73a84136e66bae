"""One line of one script broken at a time, and the law that notices."""

from tests.streamlog.breaks import care, hostile, joining, log, owners, queue
from tests.streamlog.breaks.book import Break

BREAKS: list[Break] = [*queue.BREAKS, *joining.BREAKS, *log.BREAKS, *care.BREAKS, *owners.BREAKS, *hostile.BREAKS]
