"""Whether a server of this machine says that it is well: `python healthcheck.py 8000 /readyz`.

Exit code 0 for a 200, else 1 with the reason. The image has no curl, and a proxy of the environment is not asked.
"""

import http.client
import sys

_LIMIT_S = 3.0


def trouble(port: int, path: str) -> str | None:
    """What is wrong with GET `path` on the loopback `port`, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT_S)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{path} on port {port}: {error}"
    finally:
        connection.close()
    return None if status == http.client.OK else f"{path} on port {port}: status {status}"


if __name__ == "__main__":
    sys.exit(trouble(int(sys.argv[1]), sys.argv[2]))
