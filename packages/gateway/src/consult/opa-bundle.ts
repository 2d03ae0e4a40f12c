import { randomUUID } from 'node:crypto';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bounds } from '../kernel/bounds.ts';
import type { ConsultFailure } from '../kernel/consult-failures.ts';
import type { Log } from '../kernel/log.ts';
import type { OpaBundleData } from '../snapshot/opa-data.ts';
import type { BundleAnswer, BundleThreadData } from './bundle-thread.ts';
import { inputText } from './consultant.ts';
import type { Engine } from './counted.ts';
import { readOpinion, type Opinion } from './opinion.ts';

interface Waiting {
  readonly input: string;
  settle(opinion: Opinion): void;
  settled: boolean;
}

/**
 * Policies compiled to WebAssembly (https://www.openpolicyagent.org/docs/wasm), evaluated in a thread, since an evaluation cannot be interrupted where it
 * runs: one that takes too long is ended with its thread, and another thread takes its place. The time of a question runs from the moment that it is asked,
 * but not while a thread begins.
 */
export function openOpaBundle({ path, timeoutMs, wasm, data }: OpaBundleData, log: Log): Engine {
  const queue: Waiting[] = [];
  let current: Waiting | null = null;
  let closed = false;
  let thread = begin();

  function begin(): { readonly worker: Worker; readonly ready: Promise<boolean> } {
    const ready = Promise.withResolvers<boolean>();
    const given: BundleThreadData = { wasm: new Uint8Array(Buffer.from(wasm, 'base64')), data, path, pagesMax: bounds.opaPagesMax };
    const worker = new Worker(join(import.meta.dirname, `bundle-thread${extname(import.meta.filename)}`), {
      workerData: given,
      env: {},
      name: 'opa-bundle',
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    const timer = setTimeout(() => ready.resolve(false), bounds.opaThreadStartMs).unref();
    let hasBegun = false;
    worker.unref();
    worker.on('message', (answer: BundleAnswer) => {
      // One that was given up has nothing to say any more.
      if (thread.worker !== worker) return;
      if (!('ready' in answer)) return answered(answer);
      hasBegun = true;
      clearTimeout(timer);
      ready.resolve(true);
    });
    worker.on('error', (error) => log.error('opa.thread_failed', { decision: path, reason: error.message }));
    worker.on('exit', () => {
      ready.resolve(false);
      const again = (): void => {
        if (!closed && thread.worker === worker) replace('failed');
      };
      if (hasBegun) again();
      else setTimeout(again, bounds.opaThreadRetryMs).unref();
    });
    return { worker, ready: ready.promise };
  }

  function answered(answer: BundleAnswer): void {
    const waiting = current;
    current = null;
    if ('failed' in answer) {
      log.warn('opa.policy_failed', { decision: path, reason: answer.failed.slice(0, 500) });
      waiting?.settle({ decision: 'none', decisionId: '', reason: 'failed' });
    } else waiting?.settle(readOpinion('value' in answer ? answer.value : undefined, randomUUID()));
    next();
  }

  function next(): void {
    while (current === null) {
      const waiting = queue.shift();
      if (waiting === undefined) return;
      if (waiting.settled) continue;
      current = waiting;
      thread.worker.postMessage(waiting.input);
    }
  }

  /** The thread is gone, or does not end what it does. */
  function replace(reason: ConsultFailure): void {
    const before = thread;
    thread = begin();
    void before.worker.terminate();
    const waiting = current;
    current = null;
    waiting?.settle({ decision: 'none', decisionId: '', reason });
    void goOn(thread.ready);
  }

  async function goOn(ready: Promise<boolean>): Promise<void> {
    if (await ready) next();
  }

  return {
    name: `opa:${path}`,
    async ask(question) {
      const input = inputText(question);
      if (input.length > bounds.opaInputCharsMax) return { decision: 'none', decisionId: '', reason: 'too_large' };
      if (queue.length >= bounds.opaAskingMax) return { decision: 'none', decisionId: '', reason: 'busy' };
      if (closed || !(await thread.ready)) return { decision: 'none', decisionId: '', reason: 'unreachable' };
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.settle({ decision: 'none', decisionId: '', reason: 'timeout' });
          if (current === waiting) replace('timeout');
        }, timeoutMs);
        const waiting: Waiting = {
          input,
          settled: false,
          settle(opinion) {
            if (waiting.settled) return;
            waiting.settled = true;
            clearTimeout(timer);
            resolve(opinion);
          },
        };
        queue.push(waiting);
        next();
      });
    },
    async close() {
      closed = true;
      await thread.worker.terminate();
    },
  };
}
