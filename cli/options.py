"""Options that several commands of a client have."""

from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help="The model to ask.")]
System = Annotated[str | None, typer.Option(help="The system prompt.")]
MaxTokens = Annotated[int, typer.Option(min=1, help="The longest answer.")]
Raw = Annotated[bool, typer.Option("--raw", help="Text as the model wrote it, also into a terminal.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object at the end instead of text.")]
Url = Annotated[str, typer.Option(envvar="SLUICE_URL", help="The Sluice to ask.")]

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_MAX_TOKENS = 4096
