"""TensorZero's gateway out of its Python package, run by an interpreter of its own: `serve_tensorzero.py CONFIG`.

Does not know: anything of this project; it stands here because the package has no command.
"""

import sys
import threading

from tensorzero import tensorzero  # type: ignore[import-not-found]  # installed by make bench-peers, elsewhere


def main() -> None:
    """Say where it listens, and serve until killed."""
    gateway = tensorzero._start_http_gateway(
        config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
    )
    print(f"listening on {gateway.base_url.rstrip('/').removesuffix('/openai/v1')}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
