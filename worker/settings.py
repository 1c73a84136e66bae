"""What one worker process is told by its environment.

Invariant: every field has a description, a default and a bound; `docs/settings.md` is generated from them.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """Read from the environment. The upstream's key and address are the SDK's own variables
    (`ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN`, `ANTHROPIC_BASE_URL`)."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_")

    slots: int = Field(default=200, ge=1, le=10_000, description="Most jobs that this worker runs at once.")
    light_slots: int = Field(
        default=20, ge=1, le=1000, description="Beside the slots: most calls at once that generate nothing."
    )
    lease_s: float = Field(default=5.0, ge=0.5, le=60, description="How long a claim holds after its last renewal.")
    sweep_s: float = Field(
        default=0.5, ge=0.05, le=2, description="Time between two sweeps for what nobody else would see."
    )
    bell_s: float = Field(
        default=2.0, ge=0.1, le=30, description="Longest wait for the doorbell before looking into the queue."
    )
    upstream_idle_s: float = Field(
        default=60.0, gt=0, le=3600, description="Silence of a stream after which it has stalled."
    )
    upstream_connect_s: float = Field(
        default=5.0, gt=0, le=60, description="Longest wait for a connection to the upstream."
    )
    upstream_calls: int = Field(
        default=3, ge=1, le=10, description="Most upstream calls for one job, the first included."
    )
    retry_most_s: float = Field(default=30.0, ge=0, le=600, description="Longest wait before a repeated upstream call.")
    reads_per_s: int = Field(
        default=9000,
        ge=100,
        le=1_000_000,
        description="How often all workers together read streams in a second, at most. When more events come, streams "
        "take turns and what has come meanwhile is one chunk; from twice as many on they are read half as often.",
    )
    answer_bytes: int = Field(default=64 << 20, ge=1 << 20, le=1 << 30, description="Largest answer that is kept.")
    drain_s: float = Field(
        default=300.0, ge=0, le=86_400, description="After SIGTERM, running streams may go on for so long."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Where /metrics, /healthz and /readyz are served.")
    metrics_port: int = Field(default=9100, ge=0, le=65_535, description="Their port; 0 takes a free one.")
    log_level: str = Field(default="INFO", description="Least severe log records to write.")
    log_json: bool = Field(default=False, description="Write log records as JSON.")
