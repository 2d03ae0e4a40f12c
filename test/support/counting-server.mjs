/** A server of 2026-07-28 in a process of its own, to be killed: each tools/call that it gets is in the file, before anything is answered. */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const facts = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 60_000, cacheScope: 'public' };

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  request.on('end', () => {
    const { id, method, params } = JSON.parse(text);
    if (method === 'tools/call') appendFileSync(file ?? '', `${params.arguments.number}\n`);
    const result = { resultType: 'complete', ...(method === 'server/discover' ? facts : { content: [] }) };
    // Calls are under way when it is killed.
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result })), 20);
  });
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('listening\n'));
