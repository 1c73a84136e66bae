"""Texts that read like an answer to the prompt."""

import pytest

from simulator.prose import Writer, answer_to, more_about, report_of, thoughts_about

PROMPTS = [
    "",
    "?!",
    "Why is the sky blue?",
    "Explain how TCP congestion control works",
    "How do I set up a vegetable garden on a balcony?",
    "Compare Postgres and MySQL",
    "Write a python function that removes duplicates {from} a {0} list",
    "Write a poem about rain",
    "日本の歴史を教えてください",
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_always_the_same(prompt: str) -> None:
    """The same prompt always gets the same answer, with no placeholder left in it."""
    answer = answer_to(prompt)
    assert answer == answer_to(prompt)
    assert 30 < len(answer.split()) < 400
    assert "{topic}" not in answer
    assert "{main}" not in answer


def test_prompts_get_different_answers() -> None:
    """No two prompts get the same answer."""
    assert len({answer_to(prompt) for prompt in PROMPTS}) == len(PROMPTS)


@pytest.mark.parametrize(
    ("prompt", "topics"),
    [
        ("Explain how TCP congestion control works", ["TCP congestion control"]),
        ("Compare Postgres vs MySQL", ["Postgres", "MySQL"]),
        ("What is AI?", ["AI"]),
        ("How do I set up a vegetable garden on a balcony?", ["vegetable garden", "balcony"]),
        ("Foo,bar", ["Foo", "bar"]),
        ("and the of", ["this"]),
    ],
)
def test_topics(prompt: str, topics: list[str]) -> None:
    """An answer is about the prompt's own phrases, the longest first."""
    assert Writer(prompt).topics == topics


@pytest.mark.parametrize(
    ("prompt", "sign"),
    [
        ("How do I repair a bicycle?", "\n1. **"),
        ("Compare cats and dogs", "|---|---|---|"),
        ("Write a python function for sorting", "```python\n"),
        ("Write a poem about rain", "  \n"),
        ("Tell me about volcanoes", "\n- **"),
    ],
)
def test_the_shape_fits_the_question(prompt: str, sign: str) -> None:
    """Steps, a table, code, verses or an explanation, as the prompt asks."""
    assert sign in answer_to(prompt)


def test_code_in_an_answer_runs() -> None:
    """The code of an answer is Python that does what its comment says."""
    answer = answer_to("Write a python function for 2nd-hand sorting")
    code = answer.split("```python\n")[1].split("```")[0]
    seen: list[object] = []
    exec(code, {"print": seen.append})
    assert seen == [["red", "green", "blue"]]


def test_a_greeting_is_answered_by_one() -> None:
    """A greeting gets a short answer, a question that has the word in it does not."""
    assert len(answer_to("hi").split()) < 20
    assert len(answer_to("Why do people say hello in so many ways?").split()) > 40


def test_more_never_ends_and_does_not_repeat_itself_word_for_word() -> None:
    """A long answer goes on in sections that differ."""
    blocks = [block for block, _ in zip(more_about("Why is the sky blue?"), range(60), strict=False)]
    assert len(set(blocks)) > 50


def test_tool_results_are_used() -> None:
    """What a tool returned is in the answer."""
    assert "18 degrees; dry" in report_of("Weather?", ("18 degrees", "dry"))


def test_thoughts_are_about_the_prompt() -> None:
    """Thinking names what it is about."""
    assert "volcanoes" in thoughts_about("Tell me about volcanoes")
