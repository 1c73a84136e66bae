"""`sluice chat`: a conversation in the terminal."""

from cli.exits import connected
from cli.model import DEFAULT_MODEL
from cli.options import DEFAULT_MAX_TOKENS, DEFAULT_URL, MaxTokens, Model, Raw, System, Url


def chat(
    model: Model = DEFAULT_MODEL,
    system: System = None,
    max_tokens: MaxTokens = DEFAULT_MAX_TOKENS,
    raw: Raw = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Talk with Claude, turn by turn. SLUICE_API_KEY is the key, if the server wants one.

    Ctrl-C stops the answer and cancels its job, Ctrl-D or /exit leaves, /help lists the other commands. A line that
    ends with a backslash goes on in the next one. The conversation is held here and sent whole with every message.

    From a pipe, each line is a message; the first error ends it.

    Exit code: 0 left, or the pipe has ended; from a pipe only: 1 error instead of or in an answer, 3 server not reached
    or lost, 130 Ctrl-C; 2 wrong usage.
    """
    from cli.chatting import chat_with
    from cli.conversation import Conversation

    with connected(url) as client:
        chat_with(client, Conversation(model, system or "", max_tokens), raw=raw)
