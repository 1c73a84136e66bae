import json
from pathlib import Path

import pytest

from cli.conversation import Conversation
from cli.slash import Leave, obey


@pytest.fixture
def conversation() -> Conversation:
    """One turn old."""
    made = Conversation("m", "Be brief.", 7)
    made.ask("Hello?")
    made.answer("Hello, you!", complete=True)
    return made


def test_each_call_sends_what_was_said(conversation: Conversation) -> None:
    """In order, with model and system prompt."""
    assert conversation.ask("And?") == {
        "model": "m",
        "max_tokens": 7,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hello?"},
            {"role": "assistant", "content": "Hello, you!"},
            {"role": "user", "content": "And?"},
        ],
    }


def test_without_a_system_prompt_none_is_sent() -> None:
    """An empty one would be refused."""
    assert "system" not in Conversation("m", "", 7).ask("Hello?")


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_question_without_an_answer_is_forgotten(text: str, conversation: Conversation) -> None:
    """Two questions in a row, or an empty answer, would be refused."""
    before = list(conversation.messages)
    conversation.ask("And?")
    assert not conversation.answer(text, complete=False)
    assert conversation.messages == before


def test_a_stopped_answer_is_kept_and_marked(conversation: Conversation) -> None:
    """The model is to know what it has said; people, that it was not all."""
    conversation.ask("And?")
    assert conversation.answer("Wel", complete=False)
    assert conversation.messages[-1] == {"role": "assistant", "content": "Wel"}
    assert conversation.as_markdown().endswith("**Claude** (stopped)\n\nWel\n")
    assert conversation.as_markdown().count("(stopped)") == 1


def test_model_and_system_are_told_and_changed(conversation: Conversation) -> None:
    """For the calls to come."""
    assert obey("/model", conversation) == "The model is m."
    assert obey("/model n", conversation) == "The model is n."
    assert obey("/system", conversation) == "The system prompt is: Be brief."
    assert obey("/system Be  long.", conversation) == "The system prompt is: Be  long."
    assert conversation.ask("And?")["model"] == "n"
    assert obey("/system -", conversation) == "There is no system prompt."
    assert conversation.system == ""


def test_clear_forgets_what_was_said_only(conversation: Conversation) -> None:
    """Model and system prompt stay."""
    obey("/clear", conversation)
    assert (conversation.messages, conversation.model, conversation.system) == ([], "m", "Be brief.")


def test_it_is_saved_for_people_and_for_programs(conversation: Conversation, tmp_path: Path) -> None:
    """By the name's end; nothing is written over."""
    page, data = tmp_path / "talk.md", tmp_path / "talk.json"
    assert obey(f"/save {page}", conversation) == f"Saved to {page}."
    obey(f"/save {data}", conversation)
    assert page.read_text() == "<!-- m -->\n\n> Be brief.\n\n**You**\n\nHello?\n\n**Claude**\n\nHello, you!\n"
    assert json.loads(data.read_text())["messages"] == conversation.messages
    obey("/clear", conversation)
    assert obey(f"/save {page}", conversation) == f"Not saved: {page}: File exists."
    assert "Hello?" in page.read_text()
    assert obey("/save", conversation).startswith("Say where")


@pytest.mark.parametrize(
    ("name", "why"),
    [("~no-such-user/x.md", "Could not determine home directory"), ("a\0b.md", "embedded null byte")],
)
def test_a_name_that_no_file_can_have_ends_nothing(name: str, why: str, conversation: Conversation) -> None:
    """The conversation is held by the program alone."""
    assert obey(f"/save {name}", conversation) == f"Not saved: {name}: {why}."


def test_help_lists_every_command(conversation: Conversation) -> None:
    """Each on a line, and each of them known."""
    lines = obey("/help", conversation).splitlines()
    names = [line.split()[0] for line in lines]
    assert names == ["/help", "/model", "/system", "/clear", "/save", "/exit"]
    assert all("There is no" not in obey(name, conversation) for name in names[:-1])


def test_an_unknown_command_is_told(conversation: Conversation) -> None:
    """It is not sent as a message, and changes nothing."""
    before = list(conversation.messages)
    assert obey("/etc/hosts says?", conversation).startswith("There is no /etc/hosts.")
    assert conversation.messages == before


def test_exit_leaves(conversation: Conversation) -> None:
    """Whatever follows it."""
    with pytest.raises(Leave):
        obey("/exit now", conversation)
