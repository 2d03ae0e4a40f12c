/** A legacy MCP server whose every tool says what its process was given: arguments, folder, HOME and the files that are open in it. */
import { readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';

function openFiles() {
  try {
    return readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (id === undefined) return;
  const answer = (member) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...member })}\n`);
  if (method === 'initialize')
    return answer({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'say-process', version: '1' } } });
  if (method !== 'tools/call') return answer({ error: { code: -32601, message: 'no' } });
  const { HOME } = process.env;
  const said = { argv: process.argv.slice(2), cwd: process.cwd(), home: HOME, homeEntries: readdirSync(HOME), files: openFiles() };
  answer({ result: { content: [{ type: 'text', text: JSON.stringify(said) }] } });
});
