// npm's mcp-proxy as a client: a program on stdio that carries its client to the server at an address over streamable HTTP, which the
// package offers to programs only. `mcp-proxy-client.mjs URL`, the key, where it takes one, in GATEWAY_KEY.
import { ServerType, startStdioServer } from 'mcp-proxy';

const key = process.env.GATEWAY_KEY;
const transportOptions = key === undefined ? {} : { requestInit: { headers: { Authorization: `Bearer ${key}` } } };
await startStdioServer({ serverType: ServerType.HTTPStream, url: process.argv[2], transportOptions });
