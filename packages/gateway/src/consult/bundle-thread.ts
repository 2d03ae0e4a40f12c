/** Evaluates compiled policies in a thread of its own, one question at a time: what runs too long is ended with its thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadPolicy } from '@open-policy-agent/opa-wasm';

export interface BundleThreadData {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly data: string;
  readonly path: string;
  readonly pagesMax: number;
}

/** What the thread answers to the text of an input document: the value, absent where it is undefined, or that the policy failed. First comes `ready`. */
export type BundleAnswer = { readonly ready: true } | { readonly value?: unknown } | { readonly failed: string };

const encoder = new TextEncoder();
const { wasm, data, path, pagesMax } = workerData as BundleThreadData;
const policy = await loadPolicy(wasm, { initial: 5, maximum: pagesMax });
policy.setData(encoder.encode(data).buffer);

parentPort?.on('message', (input: string) => parentPort?.postMessage(evaluate(input)));
parentPort?.postMessage({ ready: true } satisfies BundleAnswer);

function evaluate(input: string): BundleAnswer {
  try {
    const [found] = policy.evaluate(encoder.encode(input).buffer, path) as readonly { readonly result?: unknown }[];
    return found === undefined ? {} : { value: found.result };
  } catch (error) {
    // The library throws texts, too.
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}
