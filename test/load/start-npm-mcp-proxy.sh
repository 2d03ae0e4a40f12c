#!/usr/bin/env bash
# A peer for `npm run bench:fabric -- --peer test/load/start-npm-mcp-proxy.sh`: npm's mcp-proxy before the program on stdio whose command
# is in $UPSTREAM_COMMAND, a word a line. Without sessions: one session is for one client, and the bench has many with one. Needs what
# test/peers/install.sh installs. Prints where it is as one line of JSON, and ends when its stdin ends; --check only says what is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$here/../peers/node_modules/.bin/mcp-proxy
if [ ! -e "$program" ]; then
  echo "npm's mcp-proxy is not installed; install it with: bash test/peers/install.sh" >&2
  exit 1
fi
[ "${1:-}" != --check ] || exit 0
mapfile -t command <<<"${UPSTREAM_COMMAND:?}"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"${command[0]}" "$program" --host 127.0.0.1 --port "$port" --server stream --stateless --no-eventStore -- "${command[@]}" >/dev/null 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null' EXIT
for _ in $(seq 1 300); do
  curl -s -o /dev/null "http://127.0.0.1:$port/mcp" && break
  sleep 0.1
done
printf '{"ready":true,"name":"npm mcp-proxy","fronts":"stdio","port":%s,"path":"/mcp","tool":"query_0","authorization":"","pid":%s}\n' "$port" "$pid"
cat >/dev/null
