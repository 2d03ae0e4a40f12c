# Answers `initialize` and then survives everything but SIGKILL, with a child of its own. A shell: fifty of them fit anywhere.
trap '' TERM HUP INT
read -r line
id=${line#*\"id\":}
id=${id%%,*}
case $line in
*server/discover*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id" ;;
*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"stubborn","version":"1"}}}\n' "$id" ;;
esac
sleep 600 &
while :; do sleep 600; done
