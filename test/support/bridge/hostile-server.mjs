/**
 * A legacy MCP server that misbehaves on demand: each tool is one way to break. Written with bytes, not with an SDK,
 * so that it can write what no SDK would.
 *
 * Arguments: `exit` ends at once; `ignore-discover` says nothing before `initialize`; `stubborn` survives the end of its input and SIGTERM;
 * `deaf-to-ping` answers no ping; `flood` writes to stderr as fast as it can.
 */
import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const modes = new Set(process.argv.slice(2));
if (modes.has('exit')) process.exit(3);
if (modes.has('stubborn')) {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1000);
}
if (modes.has('flood')) {
  const block = Buffer.alloc(64 * 1024, 'x');
  block[block.length - 1] = 0x0a;
  const flood = () => process.stderr.write(block, () => setImmediate(flood));
  for (let streams = 0; streams < 4; streams++) flood();
}

const write = (line) => process.stdout.write(`${line}\n`);
const answer = (id, result) => write(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
const text = (id, value) => answer(id, JSON.stringify({ content: [{ type: 'text', text: String(value) }] }));
let initialized = false;

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  const id = /"id":\s*("(?:[^"\\]|\\.)*"|-?\d+)/.exec(line)?.[1] ?? 'null';
  if (message.method === 'initialize') {
    initialized = true;
    const result = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, resources: { subscribe: true } },
      serverInfo: { name: 'hostile', version: '1' },
    };
    return answer(id, JSON.stringify(result));
  }
  if (!initialized && modes.has('ignore-discover')) return;
  if (message.method === 'ping' && !modes.has('deaf-to-ping')) return answer(id, '{}');
  if (message.method === 'resources/subscribe' || message.method === 'resources/unsubscribe') {
    process.stderr.write(`${message.method} ${message.params.uri}\n`);
    return answer(id, '{}');
  }
  if (message.method === 'notifications/cancelled') return process.stderr.write(`cancelled ${message.params.requestId}\n`);
  if (message.method !== 'tools/call') {
    if (message.id !== undefined && message.method !== undefined && message.method !== 'ping')
      write(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"no"}}`);
    return;
  }
  tools[message.params.name]?.(id, message.params.arguments ?? {}, line, message.params['_meta'] ?? {});
});

const tools = {
  /** The request exactly as it came, as a JSON string. */
  line: (id, _args, line) => text(id, line),
  /** Integers above 2^53, white space and an unknown member, as no JSON.stringify would write them. */
  exact: (id) => write(`{ "result" : {"big":12345678901234567890,"n":1.0, "content":[]} ,"unknown":9007199254740993, "jsonrpc":"2.0", "id" :${id} }`),
  echo: (id, args) => setTimeout(() => text(id, args.value), args.delayMs ?? 0),
  hang: () => undefined,
  die: () => process.exit(1),
  /** Something comes before its end: the reply is a stream by then. */
  'log-and-die': () => {
    writeSync(1, '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"the last word"}}\n');
    setTimeout(() => process.exit(1), 100);
  },
  'answer-and-die': (id) => {
    writeSync(1, `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n`);
    process.exit(0);
  },
  'long-line': () => {
    const block = Buffer.alloc(1024 * 1024, 'a');
    const more = (left) => left > 0 && process.stdout.write(block, () => more(left - 1));
    more(50);
  },
  nul: () => write('{"jsonrpc":"2.0",\0}'),
  noise: (id) => {
    write('Listening on port 3000');
    write('');
    text(id, 'after the noise');
  },
  secret: (id) => {
    process.stderr.write(`my token is ${process.env.TOKEN}\n`);
    write(`oops ${process.env.TOKEN}`);
    text(id, 'told');
  },
  /** A process in the same group that outlives this one. */
  grandchild: (id) => {
    const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM",()=>0);setInterval(()=>0,1000)'], { stdio: 'ignore' });
    setTimeout(() => text(id, child.pid), 200);
  },
  'close-input': (id) => {
    text(id, 'closed');
    setInterval(() => undefined, 1000);
    setTimeout(() => closeSync(0), 20);
  },
  'close-output': () => {
    setInterval(() => undefined, 1000);
    closeSync(1);
  },
  progress: (id, args, _line, meta) => {
    for (let step = 1; step <= args.steps; step++)
      write(
        JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: meta.progressToken, progress: step, big: args.padding } }),
      );
    setTimeout(() => text(id, 'done'), args.delayMs ?? 0);
  },
  ask: (id) => {
    write('{"jsonrpc":"2.0","id":"server-1","method":"roots/list"}');
    text(id, 'asked');
  },
  log: (id, args) => {
    write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: args.value } }));
    text(id, 'logged');
  },
  changed: (id, args) => {
    write('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    if (args.uri) write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: args.uri } }));
    text(id, 'changed');
  },
  'changed-later': (id, args) => {
    text(id, 'soon');
    setTimeout(() => write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: args.uri } })), 20);
  },
  environment: (id) => text(id, JSON.stringify(process.env)),
  pid: (id) => text(id, process.pid),
};
