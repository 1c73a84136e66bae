"""What the scripts promise, as functions that fail when a promise is broken.

Each law is held by `test_laws` against a real server and a fake one, and by `test_laws_bite` against scripts with
one line broken. Its name says the law.
"""

from tests.streamlog.laws import (
    append,
    claim,
    conversing,
    ending,
    hostile,
    hostile_ways,
    joining,
    lanes,
    letting_go,
    life,
    owning,
    quotas,
    reading,
    renew,
    shortage,
    submit,
    sweep,
    watching,
)
from tests.streamlog.laws.book import LAWS

CHAPTERS = (
    submit,
    joining,
    quotas,
    lanes,
    claim,
    renew,
    sweep,
    append,
    ending,
    letting_go,
    watching,
    reading,
    shortage,
    owning,
    conversing,
    hostile,
    hostile_ways,
    life,
)
__all__ = ["CHAPTERS", "LAWS"]
