/** The call that the bench makes and the reply that it gets: 300 and 600 bytes, of the shape of MCP 2026-07-28. */
export const protocolVersion = '2026-07-28';
export const toolName = 'bench_query';

export const callBody = filled(300, (filler) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: toolName,
    arguments: { query: filler },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': protocolVersion,
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
}));

export const replyBody = filled(600, (filler) => ({
  jsonrpc: '2.0',
  id: 1,
  result: {
    resultType: 'complete',
    content: [{ type: 'text', text: filler }],
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'bench-upstream', version: '1' } },
  },
}));

/** What a client sends beside Host, Content-Length and its credential. */
export const callHeaders: readonly (readonly [string, string])[] = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
  ['MCP-Protocol-Version', protocolVersion],
  ['Mcp-Method', 'tools/call'],
  ['Mcp-Name', toolName],
];

/** JSON text of exactly `bytes` bytes: the filler takes up what the rest leaves. */
function filled(bytes: number, message: (filler: string) => unknown): string {
  const rest = JSON.stringify(message('')).length;
  if (rest > bytes) throw new Error(`the message needs ${rest} bytes without its filler, more than ${bytes}`);
  return JSON.stringify(message('select name from people order by name; '.repeat(20).slice(0, bytes - rest)));
}
