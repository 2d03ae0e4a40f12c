import type { Sealer } from '../kernel/seal.ts';
import { openCursor, sealCursor } from './page-cursor.ts';

export interface PagedList {
  readonly length: number;
  /** The same on every node for the same list. */
  readonly digest: string;
  /** JSON text of one entry, as callers are shown it. */
  textOf(index: number): string;
}

/** Bytes of one page beside the count of its entries: clients read a page as one document. */
const pageCharsMax = 4 * 1024 * 1024;

/** One page of a list of our own. Faults: `invalid_params` for a cursor that is not one of it. */
export function pageOf(
  list: PagedList,
  cursor: string | null,
  pageSize: number,
  bound: string,
  sealer: Sealer,
): { entries: string; nextCursor: string | null } {
  const from = cursor === null ? 0 : openCursor(sealer, bound, list.digest, cursor);
  const texts: string[] = [];
  let chars = 0;
  let at = from;
  for (; at < list.length && at < from + pageSize; at++) {
    const text = list.textOf(at);
    chars += text.length;
    if (chars > pageCharsMax && at > from) break;
    texts.push(text);
  }
  return { entries: texts.join(','), nextCursor: at < list.length ? sealCursor(sealer, bound, list.digest, at) : null };
}
