"""What gateway and worker must agree on: where Redis is, and the times that a job lives by.

Invariant: every field has a description, a default and a bound; `docs/settings.md` is generated from them.
Does not know: which process reads it.
"""

import os
import sys
from typing import TypeVar

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Kind = TypeVar("Kind", bound=BaseSettings)


class RedisSettings(BaseSettings):
    """How a process reaches Redis. Read from the environment."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", populate_by_name=True)

    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("REDIS_URL", "redis_url"),
        pattern=r"^(redis|rediss|unix)://",
        description="Where Redis or Valkey is: redis://, rediss:// or unix://; a single server, not a Cluster.",
    )
    prefix: str = Field(default="sluice:", description="Begins every key; separates deployments that share a Redis.")
    redis_timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="Longest wait for one answer of Redis; then the connection is dropped."
    )
    pubsub: bool = Field(
        default=True, description="Live relay over pub/sub. Without it everything still works, by reading the log."
    )


class JobSettings(BaseSettings):
    """The times and limits that a job carries with it from its submit on."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_")

    hold_s: float = Field(
        default=5.0, ge=0, le=60, description="How long the response head waits for the upstream's status."
    )
    grace_s: float = Field(
        default=10.0, gt=0, le=600, description="An attached job that nobody watches for so long is cancelled."
    )
    watch_s: float = Field(
        default=15.0, gt=1, le=60, description="A gateway's word that it watches a job holds for so long."
    )
    queue_wait_attached_s: float = Field(
        default=60.0, gt=0, le=3600, description="Longest wait in the queue with a listener."
    )
    queue_wait_detached_s: float = Field(
        default=86_400.0, gt=0, le=604_800, description="Longest wait in the queue without one."
    )
    run_limit_s: float = Field(default=3600.0, gt=0, le=86_400, description="Longest run of one job.")
    keep_attached_s: float = Field(
        default=900.0, ge=1, le=604_800, description="How long the log of an attached job is kept after its end."
    )
    keep_detached_s: float = Field(default=86_400.0, ge=1, le=2_592_000, description="The same for a detached job.")
    queue_jobs: int = Field(default=10_000, ge=1, le=1_000_000, description="Most jobs waiting in the queue.")
    queue_bytes: int = Field(
        default=1 << 30, ge=1 << 20, le=1 << 40, description="Most bytes of request bodies waiting in the queue."
    )


def from_environment(kind: type[Kind]) -> Kind:
    """The settings of a process that starts. Ends it with 2, and a line for each setting that will not do."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors():
            name = str(problem["loc"][0])
            variable = name if name.isupper() else f"SLUICE_{name.upper()}"
            print(f"sluice: {variable}={_shown(variable)}: {problem['msg']}", file=sys.stderr)
        sys.exit(2)


def _shown(variable: str) -> str:
    """Its value, unless it may hold a password or keys."""
    return "***" if variable in ("REDIS_URL", "SLUICE_API_KEYS") else repr(os.environ.get(variable, ""))
