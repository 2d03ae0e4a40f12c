import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FaultCode } from '../../../packages/gateway/src/kernel/fault-codes.ts';
import { bounds } from '../../../packages/gateway/src/kernel/bounds.ts';
import { Fault, type FaultDetail } from '../../../packages/gateway/src/kernel/fault.ts';
import type { BridgeOptions } from '../../../packages/gateway/src/bridge/bridge-options.ts';
import { lineReader } from '../../../packages/gateway/src/bridge/line-reader.ts';

/** A bridge in a process of its own, seen from its parent. */
export interface BridgeProcess {
  readonly pid: number;
  readonly address: string;
  readonly port: number | null;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it and all its processes. */
  stop(): Promise<void>;
}

const startTimeoutMs = 20_000;

/**
 * Starts `main.ts` and waits until it listens. It ends with this process, even where that is killed. `onLogLine` gets
 * each line of its log (a JSON object). Faults: those of `runBridge`, and `unavailable` where it ended or was silent.
 */
export async function startBridgeProcess(options: BridgeOptions, onLogLine: (line: string) => void): Promise<BridgeProcess> {
  const main = fileURLToPath(new URL('../../../packages/gateway/src/bridge/main.ts', import.meta.url));
  // Nothing of our environment: the bridge reads none, and its children must not find any there.
  const child = spawn(process.execPath, [main], { env: {}, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.on('error', () => undefined);
  const ended = once(child, 'close').then(
    () => undefined,
    () => undefined,
  );
  const answer = Promise.withResolvers<StartAnswer | null>();
  const log = lineReader(
    bounds.streamBufferBytesMax,
    (line) => onLogLine(line.toString('utf8')),
    () => child.stderr.resume(),
  );
  const output = lineReader(
    bounds.streamBufferBytesMax,
    (line) => answer.resolve(JSON.parse(line.toString('utf8')) as StartAnswer),
    () => answer.resolve(null),
  );
  child.stderr.on('data', (chunk: Buffer) => log.feed(chunk));
  child.stdout.on('data', (chunk: Buffer) => output.feed(chunk));
  child.stdin.write(`${JSON.stringify(options)}\n`);
  const timeout = setTimeout(() => answer.resolve(null), startTimeoutMs);
  void ended.then(() => answer.resolve(null));
  const started = await answer.promise;
  clearTimeout(timeout);
  if (started?.listening !== true) {
    child.kill('SIGKILL');
    throw started === null ? new Fault('unavailable', { reason: `the bridge of ${options.name} did not start` }) : new Fault(started.error, started.detail);
  }
  return {
    pid: child.pid ?? 0,
    address: started.address,
    port: started.port,
    ended,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

type StartAnswer =
  | { readonly listening: true; readonly address: string; readonly port: number | null }
  | { readonly listening: false; readonly error: FaultCode; readonly detail: FaultDetail };
