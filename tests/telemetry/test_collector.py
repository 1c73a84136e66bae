"""telemetry/collector.py, in a process of its own: its settings are those of the whole process."""

import subprocess
import sys


def test_it_looks_rarely_and_never_at_what_stood_before() -> None:
    """After 30,000 new objects, through those alone; also where imports have turned it off."""
    code = (
        "import gc; gc.disable(); from telemetry.collector import collect_rarely; collect_rarely();"
        "print(gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > 1000, len(gc.get_objects()) < 1000);"
        "count = lambda: gc.get_stats()[0]['collections'];"
        "before = count(); kept = [[] for _ in range(31_000)]; print(count() - before)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30).stdout
    assert said == "True 30000 True True\n1\n"
