"""The scripts: one text for all processes of a deployment, each known by its SHA."""

import hashlib
from importlib.resources import files

from streamlog import scripts
from streamlog.keys import Keys
from streamlog.scripts import NAMES, Scripts


def test_the_texts_depend_on_the_prefix_alone() -> None:
    """Two processes of one deployment share the SHAs; another deployment has others."""
    ours, again, others = Scripts(Keys("a:")), Scripts(Keys("a:")), Scripts(Keys("b:"))
    assert [ours[name].sha for name in NAMES] == [again[name].sha for name in NAMES]
    assert all(ours[name].sha != others[name].sha for name in NAMES)


def test_a_script_is_known_by_its_sha1() -> None:
    """Redis computes the same one."""
    known = Scripts(Keys("a:"))
    for name in NAMES:
        assert known[name].sha == hashlib.sha1(known[name].text.encode()).hexdigest()
        assert known[name].text in known.texts()


def test_every_file_is_loaded_and_every_name_has_a_file() -> None:
    """No script lies about unused."""
    there = {file.name.removesuffix(".lua") for file in files(scripts).iterdir() if file.name.endswith(".lua")}
    assert there == {*NAMES, "common", "mending"}


def test_a_call_carries_no_keys() -> None:
    """The names stand in the text, so the wire carries the SHA and the arguments."""
    script = Scripts(Keys("a:"))["append"]
    assert script.command(("job", 1, b"x")) == ("EVALSHA", script.sha, 0, "job", 1, b"x")


def test_a_script_has_only_what_it_uses() -> None:
    """Redis makes each value anew at every call: appends do not pay for the texts of endings that they never write."""
    known = Scripts(Keys("a:"))
    assert "local TOLD" not in known["append"].text
    assert "local TOLD" in known["end"].text
    assert "a:queue" not in known["note"].text
    assert known["watch"].text.index("local function digits") < known["watch"].text.index("local function watch")
