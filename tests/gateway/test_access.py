"""gateway/access.py: who is asking, by digests alone."""

import pytest

from gateway.access import Access, may_listen
from gateway.clients import hashed
from gateway.settings import GatewaySettings
from streamlog.errors import ClientError

KEYS = GatewaySettings(api_keys=" alpha , beta,, ")
OPEN = GatewaySettings(api_keys="")


@pytest.mark.parametrize(
    "headers", [{"x-api-key": "beta"}, {"authorization": "Bearer beta"}, {"authorization": "Bearer  beta "}]
)
def test_a_configured_key_is_taken_in_either_header(headers: dict[str, str]) -> None:
    """The same key names the same owner, whichever way the SDK sends it."""
    assert Access(KEYS).client(headers) == Access(KEYS).client({"x-api-key": "beta"})


def test_two_keys_are_two_owners() -> None:
    """One key's jobs are not another's."""
    access = Access(KEYS)
    assert access.client({"x-api-key": "alpha"}) != access.client({"x-api-key": "beta"})


def test_an_owner_does_not_contain_the_key() -> None:
    """It goes to Redis and to logs."""
    assert "alpha" not in Access(KEYS).client({"x-api-key": "alpha"}).owner


@pytest.mark.parametrize("key", ["gamma", "alph", "alphaa", "ALPHA", "alpha,beta", "é"])
def test_an_unknown_key_is_refused(key: str) -> None:
    """Almost is not enough."""
    with pytest.raises(ClientError) as refused:
        Access(KEYS).client({"x-api-key": key})
    assert (refused.value.code, refused.value.http_status) == ("unauthorized", 401)
    assert key not in str(refused.value)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"authorization": ""}, {"authorization": "Bearer "}])
def test_no_key_is_refused_where_keys_are_configured(headers: dict[str, str]) -> None:
    """The message says where a key goes."""
    with pytest.raises(ClientError, match="x-api-key"):
        Access(KEYS).client(headers)


def test_without_configured_keys_every_key_names_its_owner() -> None:
    """A local try-out still keeps two clients apart."""
    access = Access(OPEN)
    assert access.client({"x-api-key": "one"}) != access.client({"x-api-key": "two"})


def test_without_configured_keys_nobody_is_an_owner_too() -> None:
    """Anonymous, the same every time."""
    assert Access(OPEN).client({}).owner == "anonymous"


def test_no_key_is_ever_compared_as_it_is() -> None:
    """What is looked up depends on a secret of the process: how long a look takes tells nothing about any key."""
    one, another = Access(KEYS), Access(KEYS)
    assert set(one._known or ()).isdisjoint(another._known or ())
    assert not any(hashed(key).encode() in (one._known or ()) for key in ("alpha", "beta"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_may_be_listened_on_without_keys(host: str) -> None:
    """Only this machine can reach it."""
    assert may_listen(GatewaySettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "", "example.org"])
def test_beyond_loopback_keys_are_needed(host: str) -> None:
    """Or the explicit word that everyone may use it; commas are no keys."""
    assert not may_listen(GatewaySettings(host=host, api_keys=" , "))
    assert may_listen(GatewaySettings(host=host, api_keys="alpha"))
    assert may_listen(GatewaySettings(host=host, allow_anonymous=True))


@pytest.mark.parametrize(
    ("host", "origin", "let_in"),
    [
        ("127.0.0.1:8000", "", True),
        ("localhost:8000", "http://localhost:8000", True),
        ("[::1]:8000", "http://[::1]:8000", True),
        ("sluice.localhost", "", True),
        ("sluice:8000", "", True),
        ("host.docker.internal:8000", "", True),
        ("192.168.1.5:8000", "", True),
        ("", "", True),
        ("evil.example:8000", "http://evil.example:8000", False),
        ("evil.example:8000", "", False),
        ("127.0.0.1.evil.example", "", False),
        ("localhost:8000", "http://evil.example", False),
        ("localhost:8000", "null", True),
    ],
)
def test_a_page_that_takes_the_address_of_loopback_is_refused(host: str, origin: str, let_in: bool) -> None:
    """DNS rebinding: to its visitor's browser it is of the same site. Opaque origins have `Sec-Fetch-Site` to tell."""
    headers = {"host": host} | ({"origin": origin} if origin else {})
    Access(KEYS).client(headers | {"x-api-key": "alpha"})
    if let_in:
        Access(OPEN).client(headers)
    else:
        with pytest.raises(ClientError, match="another site"):
            Access(OPEN).client(headers)


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"origin": "http://chat.lan"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "https://chat.example", "sec-fetch-site": "same-origin"}, True),
    ],
)
def test_anybody_may_call_by_any_name(headers: dict[str, str], let_in: bool) -> None:
    """Where that is said; a proxy may give another name, and what the browser says of it counts."""
    access = Access(GatewaySettings(allow_anonymous=True))
    if let_in:
        access.client({"host": "chat.lan"} | headers)
    else:
        with pytest.raises(ClientError, match="another site"):
            access.client({"host": "chat.lan"} | headers)


@pytest.mark.parametrize(("site", "let_in"), [("cross-site", False), ("same-site", True), ("none", True)])
def test_a_page_of_another_site_spends_nothing_where_no_key_is_wanted(site: str, let_in: bool) -> None:
    """Its visitor's browser would send the call; with keys it has none to send along."""
    headers = {"sec-fetch-site": site, "x-api-key": "alpha"}
    Access(KEYS).client(headers)
    if let_in:
        Access(OPEN).client(headers)
    else:
        with pytest.raises(ClientError) as refused:
            Access(OPEN).client(headers)
        assert (refused.value.code, refused.value.http_status) == ("cross_site", 403)
