"""gateway/page_route.py: who gets the page, how it is kept, what it may load, and what it weighs."""

import re
from pathlib import Path

from tests.gateway.house import House, open_house
from tests.support.valkey import Valkey

_FOLDER = Path(__file__).resolve().parents[2] / "gateway" / "page"
_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
_MOST_BYTES = 150_000
_FILES = sorted(_FOLDER.iterdir())
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_EXAMPLES = {"@anthropic-ai/sdk", "${addresses.base}", "${addresses.chat}"}  # in programs that a person copies
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}


async def test_a_browser_gets_the_page(house: House) -> None:
    """Without a key: it asks for one itself."""
    response = await house.api.send("GET", "/", headers={"accept": _BROWSER, "x-api-key": ""})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.content == (_FOLDER / "index.html").read_bytes()


async def test_a_program_gets_what_it_got_before(house: House) -> None:
    """A probe of the base URL is answered with JSON; a cache keeps the two apart."""
    for accept in ("*/*", "application/json", "text/html;q=0, */*", "text/plain", "", "text/htmlx"):
        response = await house.api.send("GET", "/", headers={"accept": accept})
        assert response.json()["messages"] == "/v1/messages", accept
        assert response.headers["vary"] == "accept"
        response = await house.api.send("HEAD", "/", headers={"accept": accept})
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")


async def test_every_file_is_served_under_the_policy(house: House) -> None:
    """As it is, with its type; nothing is to be loaded from elsewhere, nothing to be framed."""
    for file in _FILES:
        path, headers = ("/", {"accept": "text/html"}) if file.name == "index.html" else (f"/page/{file.name}", {})
        response = await house.api.send("GET", path, headers=headers)
        assert response.status_code == 200
        assert response.content == file.read_bytes()
        assert response.headers["content-type"].startswith(_TYPES[file.suffix])
        assert dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; ")) == _POLICY
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-cache"


async def test_what_a_browser_has_is_not_sent_again(house: House) -> None:
    """304 for its tag, also among others or made weak; 200 for another's."""
    for path in ("/", "/page/main.js"):
        first = await house.api.send("GET", path, headers={"accept": _BROWSER})
        for weak in ("", "W/"):
            tags = f'"other", {weak}{first.headers["etag"]}'
            again = await house.api.send("GET", path, headers={"accept": _BROWSER, "if-none-match": tags})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        other = await house.api.send("GET", path, headers={"accept": _BROWSER, "if-none-match": '"other"'})
        assert other.status_code == 200


async def test_nothing_else_is_there(house: House) -> None:
    """Not by any spelling."""
    for path in ("/page", "/page/", "/page/nothing.js", "/page/index.html", "/page/..%2fmain.py"):
        assert (await house.api.send("GET", path)).status_code == 404, path


def test_the_page_is_light() -> None:
    """All of it, as it is sent."""
    assert 10_000 < sum(path.stat().st_size for path in _FILES) < _MOST_BYTES


def test_the_page_names_no_other_origin() -> None:
    """What it loads is here; and only one of its files knows an address of the API."""
    for path in _FILES:
        text = path.read_text()
        loaded = re.findall(r"""(?:src|href|from|import|url)\s*[=(]?\s*["']([^"'\s]+)["']""", text)
        assert [link for link in loaded if not re.match(r"[/.#]", link) and link not in _EXAMPLES] == []
        if path.suffix == ".js" and path.name != "api.js":
            assert "/v1/" not in text, path.name
            assert "fetch(" not in text or path.name == "snippets.js", path.name


def test_the_page_parses_no_markup() -> None:
    """Text becomes text nodes; with nothing that parses markup there is nothing to sanitise."""
    parsers = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|eval\("
    )
    for path in _FOLDER.glob("*.js"):
        assert not re.search(parsers, path.read_text()), path.name


async def test_the_page_needs_no_key(valkey: Valkey) -> None:
    """Whoever opens it has none yet."""
    async with open_house(valkey.url, api_keys="another-key") as house:
        for path in ("/", "/page/main.js"):
            response = await house.api.send("GET", path, headers={"accept": _BROWSER, "x-api-key": ""})
            assert response.status_code == 200
