import sys
from typing import Any

from cli.command import Command, Stage
from cli.embedded_redis import Store
from cli.plan import Options, Plan, Ports, plan

_STORE = Store("unix:///run/valkey.sock", "embedded")


def _plan(environment: dict[str, str], **options: Any) -> Plan:
    usual = {"host": "127.0.0.1", "port": 8000, "workers": 2, "slots": 7, "drain_s": 5.0}
    return plan(Options(**{**usual, **options}), environment, _STORE, Ports((9101, 9103), 4000))


def _named(made: Plan, name: str) -> Command:
    return next(command for command in made.commands if command.name == name)


def test_it_starts_each_room_by_its_module() -> None:
    """Safe against directories of the same name where the user stands."""
    made = _plan({})
    assert [command.name for command in made.commands] == ["simulator", "worker 1", "worker 2", "gateway"]
    assert _named(made, "gateway").argv == (sys.executable, "-P", "-m", "gateway")
    assert _named(made, "worker 2").argv == (sys.executable, "-P", "-m", "worker")
    assert _named(made, "simulator").argv[1:] == ("-P", "-m", "simulator", "--host", "127.0.0.1", "--port", "4000")


def test_rooms_are_told_by_their_environment() -> None:
    """The names that gateway and worker read."""
    made = _plan({"SLUICE_PREFIX": "mine:"}, host="::1", port=8123)
    shared = {"REDIS_URL": "unix:///run/valkey.sock", "SLUICE_DRAIN_S": "5", "SLUICE_PREFIX": "mine:"}
    gateway = {"SLUICE_HOST": "::1", "SLUICE_PORT": "8123", **shared}
    worker = {"SLUICE_SLOTS": "7", "SLUICE_METRICS_HOST": "127.0.0.1", "SLUICE_METRICS_PORT": "9103", **shared}
    assert gateway.items() <= _named(made, "gateway").environment.items()
    assert worker.items() <= _named(made, "worker 2").environment.items()


def test_without_a_key_the_simulator_answers() -> None:
    """Workers are pointed at it, not through a proxy, and the choice is said."""
    made = _plan({"NO_PROXY": "example.test"})
    worker = _named(made, "worker 1").environment
    assert worker["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:4000"
    assert worker["ANTHROPIC_API_KEY"]
    assert worker["NO_PROXY"] == worker["no_proxy"] == "example.test,127.0.0.1"
    assert made.upstream == "simulator at http://127.0.0.1:4000, because no ANTHROPIC_API_KEY is set"


def test_an_address_without_a_key_is_not_silently_dropped() -> None:
    """The simulator answers, and it is said that the address is not used."""
    made = _plan({"ANTHROPIC_BASE_URL": "https://upstream.test"})
    assert _named(made, "worker 1").environment["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:4000"
    assert made.upstream.endswith("; ANTHROPIC_BASE_URL is not used without a key")


def test_an_empty_key_is_none() -> None:
    """As a shell or a compose file leaves it."""
    assert _plan({"ANTHROPIC_API_KEY": ""}).upstream.startswith("simulator")


def test_with_a_key_claude_answers() -> None:
    """No simulator is started; the address is the SDK's own."""
    made = _plan({"ANTHROPIC_API_KEY": "secret"})
    assert [command.name for command in made.commands] == ["worker 1", "worker 2", "gateway"]
    assert "ANTHROPIC_BASE_URL" not in _named(made, "worker 1").environment
    assert made.upstream == "Claude's API at https://api.anthropic.com, with your key"


def test_a_given_upstream_is_honoured() -> None:
    """With a key, ANTHROPIC_BASE_URL goes to the workers and is shown."""
    made = _plan({"ANTHROPIC_AUTH_TOKEN": "secret", "ANTHROPIC_BASE_URL": "https://upstream.test"})
    assert _named(made, "worker 1").environment["ANTHROPIC_BASE_URL"] == "https://upstream.test"
    assert made.upstream == "Claude's API at https://upstream.test, with your key"


def test_only_workers_get_the_key() -> None:
    """Neither the gateway nor anything that is shown has it."""
    made = _plan({"ANTHROPIC_API_KEY": "secret-1", "ANTHROPIC_AUTH_TOKEN": "secret-2"})
    for command in made.commands:
        has = {value for value in command.environment.values() if value.startswith("secret")}
        assert has == ({"secret-1", "secret-2"} if command.name.startswith("worker") else set())
    assert "secret" not in made.upstream


def test_the_simulator_outlives_those_who_call_it() -> None:
    """Gateway and workers stop first."""
    stages = {command.name: command.stage for command in _plan({}).commands}
    assert stages["simulator"] == Stage.UPSTREAM
    assert stages["gateway"] == stages["worker 1"] == Stage.SERVING


def test_all_is_ready_when_the_gateway_sees_a_worker_and_every_worker_is() -> None:
    """The gateway's count could still be of workers of an earlier run."""
    made = _plan({}, host="0.0.0.0")
    assert [(one.url, one.least) for one in made.ready] == [
        ("http://127.0.0.1:8000/readyz", {"workers": 1}),
        ("http://127.0.0.1:9101/readyz", {}),
        ("http://127.0.0.1:9103/readyz", {}),
    ]


def test_it_knows_whether_keys_are_configured() -> None:
    """A list of nothing but commas is none, as for the gateway."""
    assert _plan({"SLUICE_API_KEYS": "a,b"}).keys
    assert not _plan({"SLUICE_API_KEYS": " , "}).keys
