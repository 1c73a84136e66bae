"""What a server said when it refused, in one line.

Does not know: what was asked.
"""

import json

import httpx2

from cli.answer import described

_ERROR_BYTES = 64 << 10


def refusal(response: httpx2.Response) -> str:
    """The error of the body if it holds one, and the status; at most `_ERROR_BYTES` are read."""
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _ERROR_BYTES:
            break
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    said = described(fields) if isinstance(fields, dict) else "the server refused"
    return f"{said} (HTTP {response.status_code})"
