import { runInThisContext } from 'node:vm';
import { createMasker, type MaskedBodies, type Masker } from '../masking/masker.ts';
import type { BodyPart } from '../masking/leaves.ts';
import type { MaskingRules } from '../masking/masking-rules.ts';
import { bounds } from '../kernel/bounds.ts';

/** A masker that cannot hang. */
export interface GuardedMasker {
  /** One result for each call, in order. What hangs or throws has no text but the reason, and does not hold up the others. */
  mask(calls: readonly (readonly BodyPart[])[]): MaskedBodies[];
}

/** `make`: another masker, for what hangs and throws. */
export function createGuardedMasker(rules: MaskingRules, make: (rules: MaskingRules) => Masker = createMasker): GuardedMasker {
  let masker = make(rules);
  return {
    mask(calls) {
      const results: MaskedBodies[] = [];
      let patienceMs: number = bounds.maskingHangMs;
      while (results.length < calls.length) {
        let dueMs = 0;
        try {
          runWithin(patienceMs, () => {
            // Several in one run, for a watch over each would cost more than the work; one that gets another turn is alone in it.
            const untilMs = patienceMs === bounds.maskingHangMs ? performance.now() + patienceMs / 4 : 0;
            do {
              const bodies = calls[results.length] ?? [];
              const msMax = bounds.maskingMs * bodies.length;
              dueMs = processorMs() + msMax;
              results.push(masker.mask(bodies, timeUpAt(dueMs, performance.now() + msMax)));
            } while (results.length < calls.length && performance.now() < untilMs);
          });
          patienceMs = bounds.maskingHangMs;
        } catch (error) {
          const isHung = error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
          // Stopped wherever it was: what it holds may be half of something.
          masker = make(rules);
          // Where the machine is busy the clock goes on while others have the processor: who has not had what is theirs of it did not hang, and gets another turn.
          if (isHung && patienceMs === bounds.maskingHangMs && processorMs() < dueMs) {
            patienceMs = bounds.maskingStarvedMs;
            continue;
          }
          patienceMs = bounds.maskingHangMs;
          results.push({ texts: (calls[results.length] ?? []).map(() => ({ notKept: isHung ? 'timeout' : 'failed' })), masked: [] });
        }
      }
      return results;
    },
  };
}

/** Says when that time on the processor has come. The clock that costs less runs never slower, and is asked first. */
function timeUpAt(dueMs: number, notBeforeMs: number): () => boolean {
  return () => performance.now() > notBeforeMs && processorMs() > dueMs;
}

/** Time of this thread on the processor: a busy machine is no reason to drop a body. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

const slot = Symbol.for('gatewayops.guarded');
const holder = globalThis as typeof globalThis & { [slot]?: () => void };
const call = "globalThis[Symbol.for('gatewayops.guarded')]()";

/** Runs it, and stops it where it takes longer (https://nodejs.org/api/vm.html, `timeout`). Throws then, and what it throws. */
function runWithin(timeoutMs: number, work: () => void): void {
  holder[slot] = work;
  try {
    runInThisContext(call, { timeout: timeoutMs });
  } finally {
    delete holder[slot];
  }
}
