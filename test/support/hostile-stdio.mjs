/**
 * An MCP server on stdin and stdout that misbehaves when asked to. It speaks the protocol of both eras well enough to be
 * used; then the name of a called tool says what goes wrong, and the first argument what is wrong from the start.
 * Plain JavaScript: gateways start it as a program.
 *
 * `hostile-stdio.mjs [well|exit|exit-late|silent|slow|garbage|legacy]`
 * - `exit`: ends with code 3 at once; `exit-late`: after the first message; `silent`: reads, never answers;
 *   `slow`: first answer after 1.5 s; `garbage`: text that is no JSON on stdout before anything; `legacy`: knows no
 *   `server/discover` and ends when it is asked.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [start = 'well'] = process.argv.slice(2);
if (start === 'exit') process.exit(3);
if (start === 'garbage') process.stdout.write('Welcome to the server! {not json}\n');

const startedAt = Date.now();
const sizeOf = (value, most) => Math.min(Number(value ?? 0) || 0, most);
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const answer = (id, result) => send({ jsonrpc: '2.0', id, result });
const say = (id, text, more = {}) => answer(id, { resultType: 'complete', content: [{ type: 'text', text }], ...more });

/** What each tool does wrong. */
const tools = {
  /** Nothing: repeats its arguments. */
  echo: (id, args) => say(id, JSON.stringify(args)),
  pid: (id) => say(id, String(process.pid)),
  /** The names and values of its environment and its working folder. */
  environment: (id) => say(id, JSON.stringify({ env: process.env, cwd: process.cwd(), argv: process.argv.slice(2) })),
  hang: () => undefined,
  /** Blocks its event loop: it does not even read. */
  freeze: (_, { ms }) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, sizeOf(ms, 60_000)),
  crash: () => process.exit(7),
  abort: () => process.kill(process.pid, 'SIGKILL'),
  'crash-mid-line': () => process.stdout.write('{"jsonrpc":"2.0","id":', () => process.exit(8)),
  'close-stdout': () => process.stdout.destroy(),
  'long-line': (id, { bytes }) => say(id, 'x'.repeat(sizeOf(bytes, 256 * 1024 * 1024))),
  /** A line that never ends. */
  'endless-line': (_, { bytes }) => process.stdout.write('x'.repeat(sizeOf(bytes, 256 * 1024 * 1024))),
  'not-json': (id) => (process.stdout.write('this is not JSON\n{"jsonrpc":\n\n[]\n"text"\n'), say(id, 'after garbage')),
  'not-utf8': (id) => (process.stdout.write(Buffer.from([0xff, 0xfe, 0x80, 0x0a])), say(id, 'after bad bytes')),
  'wrong-id': (id) => answer(`not-${id}`, { content: [] }),
  'answer-twice': (id) => (say(id, 'first'), say(id, 'second')),
  'answer-late': (id, { ms }) => void setTimeout(() => say(id, 'late'), sizeOf(ms, 60_000)),
  /** So many lines on stderr, each with `text`. */
  'flood-stderr': (id, { lines, text = 'noise' }) => (process.stderr.write(`${text}\n`.repeat(sizeOf(lines, 1_000_000))), say(id, 'flooded')),
  'flood-notifications': (id, { count }) => {
    for (let number = 0; number < sizeOf(count, 1_000_000); number += 1)
      send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: number } });
    say(id, 'flooded');
  },
  /** Asks the client something that nobody may answer. */
  'ask-client': (id) => send({ jsonrpc: '2.0', id: `ask-${id}`, method: 'roots/list' }),
  /** Leaves a process behind that ignores SIGTERM; in a group of its own if `detached`. Answers with its pid. */
  'leave-child': (id, { detached = false }) => {
    const code = "process.on('SIGTERM', () => {}); setTimeout(() => process.exit(), 120000)";
    const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore', detached: detached });
    say(id, String(child.pid));
  },
  'ignore-sigterm': (id) => (process.on('SIGTERM', () => undefined), say(id, 'ignored from now on')),
  /** Integers above 2^53 and unknown fields, byte for byte. */
  'exact-bytes': (id) =>
    process.stdout.write(
      `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"x-unknown":[1.0,9007199254740993],"result":{"content":[],"big":12345678901234567890}}\n`,
    ),
};

const serverInfo = { name: 'hostile', version: '1' };
const capabilities = { tools: {} };
const methods = {
  initialize: (id, params) => answer(id, { protocolVersion: params.protocolVersion ?? '2025-11-25', capabilities, serverInfo }),
  ping: (id) => answer(id, {}),
  'tools/list': (id) =>
    answer(id, {
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })),
    }),
  'tools/call': (id, { name, arguments: args = {} }) =>
    Object.hasOwn(tools, name) ? tools[name](id, args) : send({ jsonrpc: '2.0', id, error: { code: -32602, message: `no tool ${name}` } }),
  'server/discover': (id) =>
    answer(id, { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities, serverInfo, ttlMs: 0, cacheScope: 'private' }),
};
if (start === 'legacy') methods['server/discover'] = () => process.exit(9);

let first = true;
createInterface({ input: process.stdin }).on('line', (line) => {
  if (start === 'silent') return;
  if (start === 'exit-late') process.exit(4);
  const wait = start === 'slow' && first ? 1_500 - (Date.now() - startedAt) : 0;
  first = false;
  setTimeout(() => handle(line), Math.max(0, wait));
});

function handle(line) {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined || method === undefined) return;
  if (Object.hasOwn(methods, method)) methods[method](id, params);
  else send({ jsonrpc: '2.0', id, error: { code: -32601, message: `no method ${method}` } });
}
