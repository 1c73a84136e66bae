"""A caller's word becomes a label only while there is room for it."""

import pytest

from telemetry.models import ByModel, ModelNames


def test_the_first_names_keep_their_own_label() -> None:
    """Names are admitted in order until the limit, later ones are other."""
    names = ModelNames(limit=2)
    assert [names.label(word) for word in ("a", "b", "c", "a", "b")] == ["a", "b", "other", "a", "b"]


@pytest.mark.parametrize(
    "word",
    ["claude-sonnet-4-5", "claude-3-5-haiku@20241022", "anthropic.claude-opus-4-1-v1:0", "us/claude.v2", "m" * 128],
)
def test_the_names_that_models_have_are_kept(word: str) -> None:
    """Every form of model name in use is its own label."""
    assert ModelNames(limit=1).label(word) == word


@pytest.mark.parametrize("word", ["", "a b", 'a"} 1', "a\n", "é", "-a", "m" * 129, "x" * 1_000_000])
def test_what_is_no_name_is_other_and_takes_no_seat(word: str) -> None:
    """Junk is other and leaves the room to real names."""
    names = ModelNames(limit=1)
    assert names.label(word) == "other"
    assert names.label("claude") == "claude"


def test_a_series_is_made_once_for_a_name() -> None:
    """The second lookup finds what the first one made, and unknown words share the other series."""
    made: list[str] = []

    def make(label: str) -> str:
        made.append(label)
        return label

    series = ByModel(ModelNames(limit=1), make)
    assert [series[word] for word in ("a", "a", "b", "c", "not a name")] == ["a", "a", "other", "other", "other"]
    assert made == ["a", "other"]


def test_two_metrics_admit_the_same_names() -> None:
    """The seats are shared, so a model is not other in one metric and itself in the next."""
    names = ModelNames(limit=1)
    first, second = ByModel(names, str), ByModel(names, str)
    assert (first["a"], second["b"], second["a"]) == ("a", "other", "a")
