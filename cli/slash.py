"""The commands of a `sluice chat`: lines that begin with `/`.

Invariant: a line that begins so is never sent to the model by mistake; `//` begins one that is.
Does not know: terminals, servers.
"""

from collections.abc import Callable
from pathlib import Path

from cli.conversation import Conversation

Command = Callable[[Conversation, str], str]


class Leave(Exception):
    """The user wants to go."""


def obey(line: str, conversation: Conversation) -> str:
    """Do what `line` says; what to tell the user. Raises Leave."""
    name, _, rest = line[1:].partition(" ")
    known = _COMMANDS.get(name)
    if known is None:
        return f"There is no /{name}. /help lists what there is; a message that begins with / is written with two."
    return known[1](conversation, rest.strip())


def _help(_: Conversation, __: str) -> str:
    width = max(len(usage) for usage, _, _ in _COMMANDS.values())
    return "\n".join(f"  {usage:<{width}}  {meaning}" for usage, _, meaning in _COMMANDS.values())


def _model(conversation: Conversation, name: str) -> str:
    conversation.model = name or conversation.model
    return f"The model is {conversation.model}."


def _system(conversation: Conversation, text: str) -> str:
    if text:
        conversation.system = "" if text == "-" else text
    return f"The system prompt is: {conversation.system}" if conversation.system else "There is no system prompt."


def _clear(conversation: Conversation, _: str) -> str:
    conversation.clear()
    return "The conversation begins again."


def _save(conversation: Conversation, name: str) -> str:
    """What exists already is not written over."""
    if not name:
        return "Say where: /save FILE.md for reading, /save FILE.json for programs."
    text = conversation.as_json() if name.endswith(".json") else conversation.as_markdown()
    try:
        with Path(name).expanduser().open("x", encoding="utf-8") as file:
            file.write(text)
    except (OSError, RuntimeError, ValueError) as error:  # also no such home, and no such letter in a name
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        return f"Not saved: {name}: {why}."
    return f"Saved to {name}."


def _exit(_: Conversation, __: str) -> str:
    raise Leave


_COMMANDS: dict[str, tuple[str, Command, str]] = {
    "help": ("/help", _help, "this list"),
    "model": ("/model [NAME]", _model, "say which model answers, or change it"),
    "system": ("/system [TEXT | -]", _system, "say the system prompt, change it, or take it away"),
    "clear": ("/clear", _clear, "forget what was said"),
    "save": ("/save FILE", _save, "write the conversation to a new file, .md or .json"),
    "exit": ("/exit", _exit, "leave, as Ctrl-D does"),
}
