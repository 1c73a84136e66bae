"""docker-compose.yml: valid, scalable, confined, and published on this machine alone."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.access import may_listen
from gateway.settings import GatewaySettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "redis"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
each_of_ours = pytest.mark.parametrize("service", OURS.values(), ids=OURS.keys())


def _checked(file: Path) -> subprocess.CompletedProcess[str]:
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(tool, capture_output=True, text=True, check=False)


def _default(value: str) -> str:
    """What an interpolated value is when nothing is set: `${NAME:-default}`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def _variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, _default(value))


def _seconds(duration: str) -> int:
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, f"{duration} is not in seconds"
    return int(found[1])


def test_it_is_a_compose_file() -> None:
    """It satisfies the schema of the Compose specification."""
    done = _checked(FILE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_compose_file_is_found(tmp_path: Path) -> None:
    """The same check refuses a file with a misspelt key."""
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(FILE.read_text().replace("stop_grace_period", "stop_grace"))
    assert _checked(broken).returncode == 1


def test_its_services() -> None:
    """Redis, gateway and worker come up by themselves, the simulator only by its profile."""
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"redis", "gateway", "worker"}
    assert SERVICES["simulator"]["profiles"] == ["simulator"]


@each_service
def test_no_fixed_names(service: dict[str, Any]) -> None:
    """Nothing has a name that a second copy of it would want too."""
    assert not {"container_name", "hostname"} & service.keys()


def test_only_the_gateway_is_published() -> None:
    """One port is published, on the loopback; so workers can be scaled, and nobody else can reach anything."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"gateway"}
    assert [_default(port) for port in published["gateway"]] == ["127.0.0.1:8000:8000"]


@each_service
def test_no_root(service: dict[str, Any]) -> None:
    """User and group are numbers, and not those of root."""
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0


@each_service
def test_confined(service: dict[str, Any]) -> None:
    """No capability, no way to new ones, a file system that is read only, logs that end."""
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "privileged" not in service


@each_service
def test_health_is_asked(service: dict[str, Any]) -> None:
    """Every service has a healthcheck that ends before the next one begins."""
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert _seconds(check["timeout"]) <= _seconds(check["interval"])


@each_of_ours
def test_the_healthcheck_of_the_image_is_used(service: dict[str, Any]) -> None:
    """Program and port of a check are those of the image and of the service."""
    program, script, port, path = service["healthcheck"]["test"][1:]
    told = [*service["command"], *service.get("environment", {}).values()]
    assert (program, script) == ("python", "/opt/sluice/healthcheck.py")
    assert f" /opt/sluice/{Path(script).name}" in _dockerfile_copies()
    assert port in told
    assert path in ("/readyz", "/healthz")


def _dockerfile_copies() -> str:
    return (ROOT / "deploy" / "Dockerfile").read_text().replace("${PREFIX}", "/opt/sluice")


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_a_drain_can_end(name: str) -> None:
    """Docker kills later than a drain can last, its last steps included."""
    drain_s = int(SERVICES[name]["environment"]["SLUICE_DRAIN_S"])
    assert _seconds(SERVICES[name]["stop_grace_period"]) >= drain_s + 20


def test_the_gateway_may_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With these variables a gateway starts, reachable from outside its container, on the published port."""
    _variables("gateway", monkeypatch)
    settings = GatewaySettings()
    assert may_listen(settings)
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)


def test_the_worker_knows_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """With these variables a worker serves its metrics to the network, where the healthcheck looks."""
    _variables("worker", monkeypatch)
    settings = WorkerSettings()
    assert (settings.metrics_host, str(settings.metrics_port)) == (
        "0.0.0.0",
        SERVICES["worker"]["healthcheck"]["test"][3],
    )


def test_only_workers_hold_the_upstream_key() -> None:
    """Nobody else is told the key of the upstream, or has a way to it."""
    told = {name for name, service in SERVICES.items() if "ANTHROPIC_API_KEY" in service.get("environment", {})}
    assert told == {"worker"}
    assert {name for name in SERVICES if "upstream" in SERVICES[name]["networks"]} == {"worker", "simulator"}


def test_redis_keeps_its_word() -> None:
    """Redis appends every second to a file on a volume, evicts nothing, and is reachable from inside alone."""
    redis = SERVICES["redis"]
    options = dict(zip(redis["command"][1::2], redis["command"][2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--auto-aof-rewrite-min-size"] == "128mb"
    assert options["--maxmemory-policy"] == "noeviction"
    assert redis["volumes"] == ["redis:/data"]
    assert "redis" in COMPOSE["volumes"]
    assert redis["networks"] == ["store"]
    assert COMPOSE["networks"]["store"] == {"internal": True}


def test_the_simulator_can_stand_in() -> None:
    """deploy/simulator.env turns the profile on and sends the workers to where the simulator listens."""
    lines = [line for line in (ROOT / "deploy" / "simulator.env").read_text().splitlines() if not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines)
    command = SERVICES["simulator"]["command"]
    assert settings["COMPOSE_PROFILES"] in SERVICES["simulator"]["profiles"]
    assert settings["ANTHROPIC_BASE_URL"] == f"http://simulator:{command[command.index('--port') + 1]}"
    assert command[command.index("--host") + 1] == "0.0.0.0"
    assert settings["ANTHROPIC_API_KEY"]
