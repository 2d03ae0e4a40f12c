/** What the bridge's tests share: a bridge on loopback, its log, and a client that sends exactly the bytes it is given. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { systemClock, type Clock } from '../../../packages/gateway/src/kernel/clock.ts';
import type { Log, LogFields } from '../../../packages/gateway/src/kernel/log.ts';
import type { BridgeOptions } from '../../../packages/gateway/src/bridge/bridge-options.ts';
import { runBridge, type Bridge } from '../../../packages/gateway/src/bridge/run-bridge.ts';

export const repository = fileURLToPath(new URL('../../../', import.meta.url));
export const fixture = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));
export const hostile = (...modes: string[]): [string, ...string[]] => [process.execPath, fixture('hostile-server.mjs'), ...modes];
export const modern = (...modes: string[]): [string, ...string[]] => [process.execPath, fixture('modern-server.mjs'), ...modes];

export interface LogEntry {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

export function memoryLog(entries: LogEntry[], inherited: LogFields = {}): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      void entries.push({ level, event, fields: { ...inherited, ...fields } });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (fields) => memoryLog(entries, { ...inherited, ...fields }) };
}

export interface TestBridge {
  readonly bridge: Bridge;
  readonly url: string;
  readonly log: LogEntry[];
  stderr(): string[];
}

const open = new Set<Bridge>();

export async function testBridge(options: Pick<BridgeOptions, 'command'> & Partial<BridgeOptions>, clock: Clock = systemClock): Promise<TestBridge> {
  const log: LogEntry[] = [];
  const full: BridgeOptions = { name: 'tested', listen: { host: '127.0.0.1', port: 0 }, cwd: repository, env: {}, processes: 'session', ...options };
  const bridge = await runBridge(full, { log: memoryLog(log), clock });
  open.add(bridge);
  return {
    bridge,
    url: `${bridge.address}/mcp`,
    log,
    stderr: () => log.filter((entry) => entry.event === 'bridge.child_stderr').map((entry) => String(entry.fields['text'])),
  };
}

/** For afterEach: ends every bridge of the test, quickly. */
export async function stopBridges(): Promise<void> {
  await Promise.all([...open].map((bridge) => bridge.stop({ terminateMs: 50, killMs: 200 })));
  open.clear();
}

/** Waits until `probe` gives something other than null, undefined or false. Fails after `timeoutMs`. */
export async function until<T>(
  probe: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  timeoutMs = 10_000,
  what = 'the condition',
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const ready = (bridge: TestBridge): Promise<boolean> => until(() => bridge.bridge.ready().ready, 15_000, 'readiness');

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The messages of the body, as text: of an event stream each event's data. */
  readonly messages: string[];
}

const acceptBoth = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export function post(url: string, body: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { ...acceptBoth, ...headers }, ...(signal === undefined ? {} : { signal }) });
}

export async function send(url: string, body: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<RawAnswer> {
  const response = await post(url, body, headers, signal);
  const text = await response.text();
  const events = response.headers.get('content-type') === 'text/event-stream';
  return { status: response.status, headers: response.headers, text, messages: events ? eventData(text) : text === '' ? [] : [text] };
}

export function eventData(text: string): string[] {
  return [...text.matchAll(/^data: (.+)$/gm)].map((match) => match[1] ?? '');
}

export const initializeBody = (id: string, version = '2025-11-25'): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"initialize","params":{"protocolVersion":"${version}","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`;

/** Opens a legacy session; its headers for further requests. */
export async function session(url: string): Promise<Record<string, string>> {
  const answer = await send(url, initializeBody('1'));
  const id = answer.headers.get('mcp-session-id');
  if (id === null) throw new Error(`no session: ${answer.status} ${answer.text}`);
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  await send(url, '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers);
  return headers;
}

export const toolCall = (id: string, name: string, args: unknown = {}, meta = ''): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${JSON.stringify(args)}${meta === '' ? '' : `,"_meta":${meta}`}}}`;

/** The text of a tool result. */
export function textOf(message: string | undefined): string {
  const parsed = JSON.parse(message ?? 'null') as { result?: { content?: { text?: string }[] } } | null;
  return parsed?.result?.content?.[0]?.text ?? '';
}

/** The process groups of which a process runs. One that has ended and waits to be collected by its parent does not. */
export function runningGroups(): Set<number> {
  const lines = execFileSync('/bin/sh', ['-c', 'cat /proc/[0-9]*/stat 2>/dev/null || ps -A -o pid=,comm=,stat=,ppid=,pgid='], {
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  }).split('\n');
  const fields = lines.map((line) =>
    line
      .slice(line.lastIndexOf(')') + 1)
      .trim()
      .split(/\s+/),
  );
  return new Set(fields.filter(([state]) => state?.startsWith('Z') === false).map(([, , group]) => Number(group)));
}

export const groupRuns = (group: number): boolean => runningGroups().has(group);

export function someRun(groups: readonly number[]): boolean {
  const running = runningGroups();
  return groups.some((group) => running.has(group));
}
