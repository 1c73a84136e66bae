"""gateway/clients.py: the clients of a file, what it may say, and that it is read again."""

import os
from pathlib import Path

import pytest

from gateway.clients import Client, ClientsFile, hashed, read
from streamlog.jobs import Quota

ALPHA, BETA = hashed("alpha"), hashed("beta")


def test_a_hash_is_sha256_in_hexadecimal() -> None:
    """As `printf alpha | sha256sum` has it."""
    assert ALPHA == "sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"


def test_a_client_has_its_limits_and_its_retention() -> None:
    """What it does not say, the defaults say; what they do not say is without limit."""
    clients = read(
        f"""
        [defaults]
        requests_a_minute = 60
        keep_attached_s = 30
        [clients.web]
        keys = ["{ALPHA}", "{BETA}"]
        tokens_a_minute = 1000
        keep_detached_s = 60.5
        [clients.batch]
        keys = ["{hashed("gamma")}"]
        requests_a_minute = 0
        streams_at_once = 2
        """
    )
    web = Client("client:web", Quota(60, 1000, 0), 30, 60.5)
    assert clients == {ALPHA: web, BETA: web, hashed("gamma"): Client("client:batch", Quota(0, 0, 2), 30, None)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clients = ", "Invalid value"),
        ("[client.web]", "unknown field `client`"),
        ("[clients.web]", "missing required field `keys`"),
        ("[clients.web]\nkeys = []", "length >= 1"),
        ('[clients.web]\nkeys = ["sk-plain"]', r"clients.web.keys\[0\] is no hash"),
        (f'[clients.web]\nkeys = ["{ALPHA.upper()}"]', "is no hash"),
        (f'[clients.web]\nkeys = ["{ALPHA}"]\nrequests = 5', "unknown field `requests`"),
        (f'[clients.web]\nkeys = ["{ALPHA}"]\ntokens_a_minute = -5', "tokens_a_minute"),
        (f'[clients.web]\nkeys = ["{ALPHA}"]\nkeep_attached_s = 0', "keep_attached_s"),
        (f'[clients.a]\nkeys = ["{ALPHA}"]\n[clients.b]\nkeys = ["{ALPHA}"]', r"clients.b.keys\[0\] is client:a's"),
        (f'[clients."a b"]\nkeys = ["{ALPHA}"]', "client name 'a b'"),
        ("[defaults]\nkeys = []", "unknown field `keys`"),
    ],
)
def test_what_a_file_may_not_say(text: str, told: str) -> None:
    """The sentence says where and what."""
    with pytest.raises(ValueError, match=told):
        read(text)


def test_a_plain_key_by_mistake_is_not_repeated() -> None:
    """The sentence goes to a log."""
    with pytest.raises(ValueError) as refused:
        read('[clients.web]\nkeys = ["sk-plain"]')
    assert "sk-plain" not in str(refused.value)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "clients.toml"
    path.write_text(text)
    return path


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """And an unchanged one is not."""
    path = _file(tmp_path, f'[clients.web]\nkeys = ["{ALPHA}"]')
    file = ClientsFile(str(path))
    assert set(file.by_hash) == {ALPHA}
    assert not file.refresh()
    path.write_text(f'[clients.web]\nkeys = ["{ALPHA}", "{BETA}"]')
    assert file.refresh()
    assert set(file.by_hash) == {ALPHA, BETA}


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """As editors do it, and as mounted configuration changes: another file under the same name, of the same size."""
    path = _file(tmp_path, f'[clients.web]\nkeys = ["{ALPHA}"]')
    file = ClientsFile(str(path))
    other = tmp_path / "new"
    other.write_text(f'[clients.web]\nkeys = ["{BETA}"]')
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert file.refresh()
    assert set(file.by_hash) == {BETA}


@pytest.mark.parametrize("harm", ["clients = ", "", "gone", "large"])
def test_a_file_that_will_not_do_changes_nothing(tmp_path: Path, harm: str) -> None:
    """It is told once, by its name; the next good one is taken. An empty file is one that is just being written."""
    path = _file(tmp_path, f'[clients.web]\nkeys = ["{ALPHA}"]')
    file = ClientsFile(str(path))
    if harm == "gone":
        path.unlink()
    else:
        path.write_text("#" * (5 << 20) if harm == "large" else harm)
    with pytest.raises(ValueError, match=r"clients\.toml: "):
        file.refresh()
    assert not file.refresh(), "it is told once"
    assert set(file.by_hash) == {ALPHA}
    path.write_text(f'[clients.web]\nkeys = ["{BETA}"]')
    assert file.refresh()
    assert set(file.by_hash) == {BETA}


def test_a_file_that_is_not_there_is_an_error_at_the_start(tmp_path: Path) -> None:
    """Never a gateway that lets everybody in."""
    with pytest.raises(ValueError, match="No such file"):
        ClientsFile(str(tmp_path / "none.toml"))
