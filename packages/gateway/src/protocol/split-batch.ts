import { Fault } from '../kernel/fault.ts';

/**
 * The elements of a JSON-RPC batch as views into the same bytes. `body` must be a JSON array that `scanJson` accepted,
 * so brackets outside strings are balanced. Faults: `invalid_request` for an empty batch or more than `elementsMax`.
 */
export function splitBatch(body: Buffer, elementsMax: number): Buffer[] {
  const elements: Buffer[] = [];
  let depth = 0;
  let start = -1;
  const close = (end: number): void => {
    const element = trim(body.subarray(start, end));
    if (element.length > 0) elements.push(element);
    if (elements.length > elementsMax) throw new Fault('invalid_request', { reason: `a batch may have at most ${elementsMax} messages` });
  };
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === 0x22) {
      for (at++; at < body.length && body[at] !== 0x22; at++) if (body[at] === 0x5c) at++;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (depth++ === 0) start = at + 1;
    } else if (byte === 0x5d || byte === 0x7d) {
      if (--depth === 0) close(at);
    } else if (byte === 0x2c && depth === 1) {
      close(at);
      start = at + 1;
    }
  }
  if (elements.length === 0) throw new Fault('invalid_request', { reason: 'the batch is empty' });
  return elements;
}

function trim(view: Buffer): Buffer {
  let start = 0;
  let end = view.length;
  while (start < end && view[start] !== undefined && (view[start] ?? 0) <= 0x20) start++;
  while (end > start && (view[end - 1] ?? 0) <= 0x20) end--;
  return view.subarray(start, end);
}
