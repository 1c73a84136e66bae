"""The web page: the files of `gateway/page`, read once, at `/` and below `/page/`.

Invariant: only files of that folder are served, each with a policy that lets the page load nothing from elsewhere.
Does not know: what the page does.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import Response

from gateway.plain_route import add_plain_route
from gateway.replies import told

_FOLDER = Path(__file__).with_name("page")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # kept by the browser, and asked about each time: an update is seen at once
}
_METHODS = ["GET", "HEAD"]


@dataclass(frozen=True)
class _Asset:
    body: bytes
    headers: dict[str, str]

    def reply(self, http: Request, **more: str) -> Response:
        """304 if the browser has it already."""
        headers = self.headers | more
        if self.headers["etag"] in _tags(http.headers.get("if-none-match", "")):
            del headers["content-type"]
            return Response(None, 304, headers)
        return Response(self.body, 200, headers)


def add_routes(app: FastAPI) -> None:
    """Raises `OSError` when a file of the page is not to be read."""
    assets = {path.name: _asset(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
    index = assets.pop("index.html")

    async def root(http: Request) -> Response:
        """The page for a browser; for clients that probe their base URL before they call, what they find here."""
        if _wants_html(http.headers.get("accept", "")):
            return index.reply(http, vary="accept")
        found = {"name": "sluice", "messages": "/v1/messages", "docs": "/docs"}
        return told(found, headers={"vary": "accept"})

    add_plain_route(app, "/", root, methods=_METHODS, include_in_schema=False)
    for name, asset in assets.items():
        _add_asset(app, f"/page/{name}", asset)


def _add_asset(app: FastAPI, path: str, asset: _Asset) -> None:
    async def get_asset(http: Request) -> Response:
        return asset.reply(http)

    add_plain_route(app, path, get_asset, methods=_METHODS, include_in_schema=False)


def _asset(path: Path) -> _Asset:
    body = path.read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _Asset(body, {**_HEADERS, "content-type": _TYPES[path.suffix], "etag": tag})


def _tags(header: str) -> set[str]:
    """Of `If-None-Match`; a weak tag will do, as a middle box that compresses makes them weak."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _wants_html(accept: str) -> bool:
    """Whether `text/html` is named and not refused: browsers name it as a person opens a page, no program does."""
    for offered in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in offered.split(";"))
        if kind == "text/html":
            return not any(name in ("q=0", "q=0.0", "q=0.00", "q=0.000") for name in parameters)
    return False
