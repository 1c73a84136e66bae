"""Settings: each has a bound, and one that will not do ends the start in one line."""

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic_settings import BaseSettings

from streamlog.settings import JobSettings, RedisSettings, from_environment


@pytest.mark.parametrize("settings", [RedisSettings, JobSettings])
def test_every_setting_is_described_and_every_number_is_bounded(settings: type[BaseSettings]) -> None:
    """No wait, queue or retention without a limit at either end."""
    for name, field in settings.model_fields.items():
        assert field.description, name
        if field.annotation in (int, float):
            assert any(isinstance(bound, Ge | Gt) for bound in field.metadata), name
            assert any(isinstance(bound, Le | Lt) for bound in field.metadata), name


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis by its common name, the others by ours."""
    for name, value in {"REDIS_URL": "unix:///run/r.sock", "SLUICE_PREFIX": "a:", "SLUICE_PUBSUB": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLUICE_GRACE_S", "2.5")
    redis, jobs = from_environment(RedisSettings), from_environment(JobSettings)
    assert (redis.redis_url, redis.prefix, redis.pubsub) == ("unix:///run/r.sock", "a:", False)
    assert jobs.grace_s == 2.5


@pytest.mark.parametrize(
    ("variable", "value", "settings"),
    [
        ("SLUICE_REDIS_TIMEOUT_S", "0", RedisSettings),
        ("SLUICE_GRACE_S", "soon", JobSettings),
        ("SLUICE_QUEUE_JOBS", "0", JobSettings),
        ("SLUICE_HOLD_S", "61", JobSettings),
    ],
)
def test_a_setting_that_will_not_do_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    settings: type[BaseSettings],
) -> None:
    """It names the variable and the value, and shows no traceback."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        from_environment(settings)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"sluice: {variable}={value!r}: ")


def test_an_address_of_redis_that_will_not_do_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may hold a password."""
    monkeypatch.setenv("REDIS_URL", "redi://:pass-word@host")
    with pytest.raises(SystemExit):
        from_environment(RedisSettings)
    said = capsys.readouterr().err
    assert said.startswith("sluice: REDIS_URL=***: ")
    assert "pass-word" not in said
