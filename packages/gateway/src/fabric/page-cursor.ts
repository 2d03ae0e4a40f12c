import { Fault } from '../kernel/fault.ts';
import type { Sealer } from '../kernel/seal.ts';

/**
 * Where the next page of a list of our own begins. A cursor is good for one endpoint, list and kind of caller (`bound`) and as long as the list is
 * the same (`digest`), on every node.
 */
export function sealCursor(sealer: Sealer, bound: string, digest: string, offset: number): string {
  return sealer.sealText(`${offset} ${digest}`, `cursor ${bound}`);
}

/** Faults: `invalid_params` where the cursor is not ours, another caller's, or of a list that has changed since. */
export function openCursor(sealer: Sealer, bound: string, digest: string, cursor: string): number {
  const [offset = '', of = ''] = sealer.openText(cursor, `cursor ${bound}`)?.split(' ') ?? [];
  if (of !== digest || !/^\d{1,9}$/.test(offset))
    throw new Fault('invalid_params', { reason: 'the cursor is not one of this list as it is now; list again from the beginning' });
  return Number(offset);
}
