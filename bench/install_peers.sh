#!/usr/bin/env bash
# Puts the gateways that are measured beside Sluice into environments of their own, below .venv-peers (ignored by git). Each that cannot be had is said to be missing, by the bench too; the others go on. ARGS: names, all without.
set -uo pipefail
cd "$(dirname "$0")"
python=$(realpath -s "${PYTHON:-../.venv/bin/python}")
home=$(realpath ..)/.venv-peers
mkdir -p "$home"

python_peer() { "$python" -m uv venv --quiet --allow-existing --python "$python" "$home/$1" &&
  "$python" -m uv pip install --quiet --python "$home/$1/bin/python" "$2"; }
install_litellm() { python_peer litellm 'litellm[proxy]==1.106.2'; }
install_tensorzero() { python_peer tensorzero 'tensorzero==2026.6.0'; }
install_portkey() { # 1.15.2 answers 500 to every stream with a newer @hono/node-server than this
  mkdir -p "$home/portkey" && printf '%s' '{"dependencies": {"@portkey-ai/gateway": "1.15.2"},
    "overrides": {"@hono/node-server": "1.13.8"}}' >"$home/portkey/package.json" &&
    npm install --prefix "$home/portkey" --no-audit --no-fund --loglevel=error; }
install_nginx() { # without root: the package is unpacked, not installed
  command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || { mkdir -p "$home/nginx" && cd "$home/nginx" &&
    apt-get download nginx && dpkg -x nginx_*.deb . ; }; }

missing=0
for peer in ${*:-nginx litellm portkey tensorzero}; do
  echo "bench-peers: $peer" >&2
  ("install_$peer") || { echo "bench-peers: $peer could not be had" >&2; missing=1; }
done
exit $missing
