"""What the process's own metrics have done since a moment.

Invariant: read through the same rendering as a scrape.
Does not know: which fact moves what.
"""

from prometheus_client.parser import text_string_to_metric_families

from telemetry.exposition import render

Sample = tuple[str, ...]


class Moved:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._before = _read()

    def __call__(self) -> dict[Sample, float]:
        """The series that changed, and by how much: (name, label=value, …) → change.

        Of histograms only the counts; labels `model` are left out.
        """
        after = _read()
        return {
            key: value - self._before.get(key, 0.0)
            for key, value in after.items()
            if value != self._before.get(key, 0.0)
        }

    def by(self, name: str, *labels: str) -> float:
        """The change of one series, 0 if it has not moved."""
        return self().get((name, *labels), 0.0)


def _read() -> dict[Sample, float]:
    found: dict[Sample, float] = {}
    for family in text_string_to_metric_families(render(None)[0].decode()):
        for sample in family.samples:
            if sample.name.startswith("sluice_") and not sample.name.endswith(("_bucket", "_sum", "_info")):
                labels = (f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "model")
                key = (sample.name, *labels)
                found[key] = found.get(key, 0.0) + (sample.value if sample.value == sample.value else 0.0)
    return found
