"""`sluice key`: a new key for a client, and the lines by which a gateway knows it."""

import secrets
from typing import Annotated

import typer


def key(name: Annotated[str, typer.Argument(help="The client's name in the file.")]) -> None:
    """Make a key for a client. It is printed this once; the file of clients (SLUICE_CLIENTS_FILE) has its hash.

    Exit code: 0 done, 2 wrong usage.
    """
    from gateway.clients import check_name, hashed

    try:
        check_name(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    new = "sk-sluice-" + secrets.token_urlsafe(32)
    entry = f'[clients."{name}"]\nkeys = ["{hashed(new)}"]'
    typer.echo(f"# The key of {name}. It is shown this once, and nowhere stored:\n#   {new}\n{entry}")
