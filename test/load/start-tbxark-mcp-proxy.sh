#!/usr/bin/env bash
# A peer for `npm run bench:fabric -- --peer test/load/start-tbxark-mcp-proxy.sh`: TBXark's mcp-proxy (Go) before the server at port
# $UPSTREAM_PORT, without a key, as it is by default. Needs its program, named by $TBXARK_MCP_PROXY. Prints where it is as one line of
# JSON, and ends when its stdin ends; --check only says what is missing.
set -euo pipefail
if [ ! -x "${TBXARK_MCP_PROXY:-}" ]; then
  echo "TBXARK_MCP_PROXY names no program; make one of it with: git clone --branch v0.43.2 https://github.com/TBXark/mcp-proxy && go build -C mcp-proxy" >&2
  exit 1
fi
[ "${1:-}" != --check ] || exit 0
: "${UPSTREAM_PORT:?}"
folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/config.json" <<JSON
{
  "mcpProxy": { "baseURL": "http://127.0.0.1:$port", "addr": "127.0.0.1:$port", "name": "bench", "version": "1", "type": "streamable-http" },
  "mcpServers": { "s0": { "url": "http://127.0.0.1:$UPSTREAM_PORT/mcp", "transportType": "streamable-http" } }
}
JSON
"$TBXARK_MCP_PROXY" -config "$folder/config.json" >/dev/null 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
# It listens before it has reached its server; until then there is no such path.
ping='{"jsonrpc":"2.0","id":1,"method":"ping"}'
for _ in $(seq 1 300); do
  curl -sf -o /dev/null -X POST -H 'Content-Type: application/json' -d "$ping" "http://127.0.0.1:$port/s0/" && break
  sleep 0.1
done
printf '{"ready":true,"name":"TBXark mcp-proxy","fronts":"http","port":%s,"path":"/s0/","tool":"query_0","authorization":"","pid":%s}\n' "$port" "$pid"
cat >/dev/null
