"""One line of one script broken at a time, and the law that notices."""

from tests.streamlog.breaks import care, conversing, hostile, joining, log, owners, queue
from tests.streamlog.breaks.book import Break

_CHAPTERS = (queue, joining, log, care, owners, conversing, hostile)
BREAKS: list[Break] = [broken for chapter in _CHAPTERS for broken in chapter.BREAKS]
