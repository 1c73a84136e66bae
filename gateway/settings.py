"""What one gateway process is told by its environment.

Invariant: every field has a description, a default and a bound; `docs/settings.md` is generated from them.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """Read from the environment."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    api_keys: str = Field(
        default="", description="Keys that clients may use, separated by commas. Empty: every key, and none, will do."
    )
    clients_file: str = Field(
        default="",
        description="A TOML file of clients: hashed keys, limits, retention; read again when it changes.",
    )
    assistants_file: str = Field(
        default="", description="A TOML file of named assistants (`docs/chat.md`); read again when it changes."
    )
    chat_model: str = Field(
        default="claude-sonnet-5-5",
        min_length=1,
        max_length=256,
        description="What `/chat` asks when nobody names one.",
    )
    chat_max_tokens: int = Field(
        default=4096, ge=1, le=10_000_000, description="Longest answer of `/chat`, in tokens, when nobody says another."
    )
    conversation_keep_s: float = Field(
        default=604_800.0, ge=1, le=31_536_000, description="How long a conversation is kept after its last answer."
    )
    token_secret: str = Field(
        default="",
        description="Signs follow tokens; 32 characters at least, the same for all gateways. Empty: made in Redis.",
    )
    token_s: float = Field(default=600.0, ge=1, le=86_400, description="How long a follow token opens its stream.")
    allow_anonymous: bool = Field(
        default=False, description="Listen beyond loopback although no keys are configured. Needs a network you trust."
    )
    body_bytes: int = Field(default=32 << 20, ge=1024, le=1 << 30, description="Largest request body.")
    bodies_bytes: int = Field(
        default=256 << 20, ge=1024, le=1 << 36, description="Most bytes of request bodies held at once, until queued."
    )
    body_s: float = Field(default=60.0, gt=0, le=3600, description="Longest wait for the next part of a request body.")
    ping_s: float = Field(default=10.0, ge=0.05, le=60, description="Silence after which a ping event is sent.")
    send_s: float = Field(
        default=30.0,
        gt=0,
        le=600,
        description="A reader that takes nothing for so long, or whose machine does not answer, is let go.",
    )
    no_workers_s: float = Field(
        default=30.0, ge=1, le=3600, description="Without a live worker for so long, attached calls are refused (529)."
    )
    drain_s: float = Field(
        default=300.0, ge=0, le=86_400, description="After SIGTERM, open answers may go on for so long."
    )
    log_level: str = Field(default="INFO", description="Least severe log records to write.")
    log_json: bool = Field(default=False, description="Write log records as JSON.")
