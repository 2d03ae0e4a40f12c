/**
 * The bridge as a process: `node bridge/main.ts`. Its first line of input is a `BridgeOptions` document in JSON (it may
 * hold secrets, so it never stands on a command line); the input then stays open as long as the parent lives, and its
 * end is the only order to stop: SIGTERM and SIGINT are for the parent. Its first line of output is `{"listening":true,"address":…,"port":…}` or
 * `{"listening":false,"error":…,"message":…,"fix":…}` with the fault's exit code. The log is JSON lines on stderr.
 */
import { pino } from 'pino';
import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { parseBridgeOptions } from './bridge-options.ts';
import { lineReader } from './line-reader.ts';
import { runBridge, type Bridge } from './run-bridge.ts';

/** A parent that is gone waits for nothing: everything must be over within 5 s of its death. */
const orphanPace = { terminateMs: 500, killMs: 1_500 };
/** Longer than any orderly stop takes; the watchdog ends what a bridge leaves behind. */
const stopTimeoutMs = 9_000;

const logLines = pino.destination({ dest: 2, sync: false, maxLength: bounds.streamBufferBytesMax });
const log = jsonLog();
const bridge = Promise.withResolvers<Bridge>();
let begun = false;
let stopping = false;

// A parent that is gone reads neither; that is no reason to fail before everything is stopped.
logLines.on('error', () => undefined);
process.stdout.on('error', () => undefined);
const input = lineReader(bounds.bodyBytesMax, firstLine, () => fail(new Fault('usage', { reason: 'The first line of the input is too long.' })));
process.stdin.on('data', (chunk: Buffer) => input.feed(chunk));
process.stdin.on('end', () => void stop());
process.stdin.on('error', () => void stop());
// A service manager signals every process of a service, a terminal its whole group: when a bridge ends is for its parent to say, which may
// have calls under way.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);

function firstLine(line: Buffer): void {
  if (begun) return;
  begun = true;
  start(line.toString('utf8')).then(bridge.resolve, fail);
}

async function start(line: string): Promise<Bridge> {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    throw new Fault('usage', { reason: 'The first line of the input is no JSON document.' });
  }
  const started = await runBridge(parseBridgeOptions(document), { log });
  process.stdout.write(`${JSON.stringify({ listening: true, address: started.address, port: started.port })}\n`);
  return started;
}

function fail(error: unknown): void {
  const fault = asFault(error);
  if (fault.code === 'internal_error') log.error('bridge.start_failed', { cause: String(fault.cause) });
  const line = JSON.stringify({ listening: false, error: fault.code, message: fault.message, fix: fault.fix, detail: fault.detail });
  process.stdout.write(`${line}\n`, () => leave(fault.row.exitCode ?? 1));
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info('bridge.stopping', { reason: 'its input has ended' });
  setTimeout(() => leave(1), stopTimeoutMs).unref();
  // An input that ends before its first line is complete never becomes a bridge.
  const started = await Promise.race([bridge.promise, new Promise<null>((resolve) => setTimeout(resolve, 1_000, null))]);
  await started?.stop(orphanPace);
  leave(0);
}

function leave(code: number): void {
  try {
    logLines.flushSync();
  } catch {
    // Nobody reads the log any more.
  }
  process.exit(code);
}

function jsonLog(): Log {
  const sink = pino(
    { base: { component: 'bridge' }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event', formatters: { level: (label) => ({ level: label }) } },
    logLines,
  );
  const wrap = (logger: pino.Logger): Log => ({
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
    child: (fields) => wrap(logger.child(fields)),
  });
  return wrap(sink);
}
