"""gateway/assistants.py: what a file of assistants may say, who may use them, and that it is read again."""

import os
from pathlib import Path

import pytest

from gateway.assistants import RESERVED, Assistant, Assistants, read
from gateway.clients import Client
from gateway.settings import GatewaySettings
from streamlog.errors import ClientError

HR = '[assistants.hr]\nsystem = "You are kind."\nmodel = "claude-a"\nmax_tokens = 100\n'
WEB, ANYBODY = Client("client:web"), Client("anonymous")


def _known(tmp_path: Path, text: str, clients: set[str] | None = None) -> Assistants:
    (tmp_path / "assistants.toml").write_text(text)
    return Assistants(GatewaySettings(assistants_file=str(tmp_path / "assistants.toml")), clients or set())


def test_an_assistant_says_how_it_answers() -> None:
    """Title and clients may be left out."""
    assert read(HR) == {"hr": Assistant("You are kind.", "claude-a", 100, "", None)}
    assert read("") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("assistants = ", "Invalid value"),
        ("[assistant.hr]", "unknown field `assistant`"),
        ('[assistants.hr]\nmodel = "a"\nmax_tokens = 1', "missing required field `system`"),
        (HR.replace("You are kind.", ""), "length >= 1"),
        (HR.replace("100", "0"), "max_tokens"),
        (HR.replace("100", '"many"'), "max_tokens"),
        (HR + "temperature = 1", "unknown field `temperature`"),
        (HR.replace(".hr", ".Hr"), "assistant name 'Hr' is not"),
        (HR.replace(".hr", '."h/r"'), "assistant name 'h/r' is not"),
        (HR.replace(".hr", ".v1"), "/v1 is an address of the gateway's own"),
        (HR.replace(".hr", ".chat"), "/chat is an address"),
    ],
)
def test_what_a_file_may_not_say(text: str, told: str) -> None:
    """The sentence says where and what."""
    with pytest.raises(ValueError, match=told):
        read(text)


def test_the_example_that_ships_is_sound() -> None:
    """With the assistant that the documentation asks."""
    example = Path(__file__).resolve().parents[2] / "deploy/assistants.toml"
    assert "hr" in read(example.read_text())


def test_an_assistant_is_only_there_for_its_clients(tmp_path: Path) -> None:
    """For others it is as if there were none; one without a list is for everybody."""
    known = _known(tmp_path, HR + 'clients = ["web"]\n' + HR.replace(".hr", ".open"), {"web"})
    assert set(known.of(WEB)) == {"hr", "open"}
    assert set(known.of(ANYBODY)) == set(known.of(Client("web"))) == {"open"}
    assert known.named("hr", WEB).model == "claude-a"
    for name in ("hr", "none"):
        with pytest.raises(ClientError) as refused:
            known.named(name, ANYBODY)
        assert (refused.value.code, refused.value.message) == (
            "assistant_not_found",
            "There is no such assistant, or it is not for you.",
        )


def test_a_client_that_nobody_knows_is_noticed_at_the_start(tmp_path: Path) -> None:
    """A name that is misspelt would lock people out without a word."""
    with pytest.raises(ValueError, match=r"assistants\.hr\.clients: SLUICE_CLIENTS_FILE has no 'wep'"):
        _known(tmp_path, HR + 'clients = ["web", "wep"]', {"web"})


def test_without_a_file_there_are_none() -> None:
    """No file is not an error."""
    assert Assistants(GatewaySettings(), set()).of(WEB) == {}


async def test_a_change_is_taken_over_and_a_spoiled_one_is_not(tmp_path: Path) -> None:
    """Without a restart; what is wrong is told, and what was read before stays."""
    known = _known(tmp_path, HR)
    assert known._file is not None
    place = tmp_path / "assistants.toml"
    place.write_text(HR + HR.replace(".hr", ".it"))
    assert known._file.refresh()
    assert set(known.of(WEB)) == {"hr", "it"}
    place.write_text(HR.replace(".hr", ".chat"))
    os.utime(place, ns=(1, 1))
    with pytest.raises(ValueError, match=r"^SLUICE_ASSISTANTS_FILE: .*assistants.toml: an assistant cannot be called"):
        known._file.refresh()
    assert set(known.of(WEB)) == {"hr", "it"}


def test_names_of_addresses_are_reserved() -> None:
    """Or an assistant would take another route's place."""
    assert {"v1", "chat", "docs", "healthz"} < RESERVED
