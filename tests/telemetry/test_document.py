"""docs/metrics.md says what the table says."""

from pathlib import Path

import pytest

from telemetry import document
from telemetry.metrics import METRICS


def test_the_page_in_the_repository_is_the_tables() -> None:
    """Whoever changes the table writes the page again: python -m telemetry.document."""
    assert document.PAGE.read_text(encoding="utf-8") == document.page()


def test_every_metric_is_on_the_page_with_its_definition() -> None:
    """Name, definition, label values and buckets are there to read."""
    page = document.page()
    for metric in METRICS:
        assert f"## `{metric.name}`\n\n{metric.help}\n" in page
        assert all(f"`{value}`" in page for label in metric.labels for value in label.values)


def test_check_fails_on_a_page_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--check is 1 for a missing or old page, says what to do, and writes nothing."""
    monkeypatch.setattr(document, "PAGE", tmp_path / "metrics.md")
    assert document.main(["--check"]) == 1
    document.PAGE.write_text("old", encoding="utf-8")
    assert document.main(["--check"]) == 1
    assert document.PAGE.read_text(encoding="utf-8") == "old"
    assert "python -m telemetry.document" in capsys.readouterr().err


def test_writing_makes_the_check_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --check the page is written."""
    monkeypatch.setattr(document, "PAGE", tmp_path / "metrics.md")
    assert document.main([]) == 0
    assert document.main(["--check"]) == 0
