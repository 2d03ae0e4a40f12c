#!/usr/bin/env bash
# A peer for `npm run bench:fabric -- --peer test/load/start-contextforge.sh`: ContextForge on SQLite, one process, before the server at
# port $UPSTREAM_PORT, its limits of requests a minute switched off. Needs it in a virtual environment named by $CONTEXTFORGE_VENV. Prints
# where it is as one line of JSON, and ends when its stdin ends; --check only says what is missing.
set -euo pipefail
if [ ! -x "${CONTEXTFORGE_VENV:-}/bin/mcpgateway" ]; then
  echo "CONTEXTFORGE_VENV names no virtual environment with it; make one with: python3 -m venv DIR && DIR/bin/pip install mcp-contextforge-gateway==1.0.7.post20260921" >&2
  exit 1
fi
[ "${1:-}" != --check ] || exit 0
: "${UPSTREAM_PORT:?}"
folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
JWT_SECRET_KEY=$(openssl rand -hex 32)
AUTH_ENCRYPTION_SECRET=$(openssl rand -hex 32)
PLATFORM_ADMIN_PASSWORD="$(openssl rand -base64 18)aA1!"
export JWT_SECRET_KEY AUTH_ENCRYPTION_SECRET PLATFORM_ADMIN_PASSWORD BASIC_AUTH_PASSWORD="$PLATFORM_ADMIN_PASSWORD"
export DATABASE_URL="sqlite:///$folder/mcp.db" PLATFORM_ADMIN_EMAIL=bench@example.com BASIC_AUTH_USER=bench LOG_LEVEL=ERROR
export MCPGATEWAY_UI_ENABLED=false MCPGATEWAY_ADMIN_API_ENABLED=true SSRF_ALLOW_LOCALHOST=true SSRF_ALLOW_PRIVATE_NETWORKS=true
export RATE_LIMITING_ENABLED=false
cd "$folder"
"$CONTEXTFORGE_VENV/bin/mcpgateway" --host 127.0.0.1 --port "$port" >"$folder/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 1 120); do
  curl -sf "http://127.0.0.1:$port/health" >/dev/null && break
  sleep 1
done
token=$("$CONTEXTFORGE_VENV/bin/python" -m mcpgateway.utils.create_jwt_token --username bench@example.com --exp 600 --secret "$JWT_SECRET_KEY" 2>/dev/null | tail -1)
curl -sf -o /dev/null -X POST "http://127.0.0.1:$port/gateways" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d "{\"name\":\"s0\",\"url\":\"http://127.0.0.1:$UPSTREAM_PORT/mcp\",\"transport\":\"STREAMABLEHTTP\"}"
printf '{"ready":true,"name":"ContextForge","fronts":"http","port":%s,"path":"/mcp/","tool":"s0-query-0","authorization":"Bearer %s","pid":%s}\n' "$port" "$token" "$pid"
cat >/dev/null
