/**
 * x509: what stands in a certificate and in a revocation list, and whether a chain of them is good. Imports `kernel/`. Pure: bytes in, values out; no file, no
 * clock, no network. Promises: what is not in the one form that DER allows is refused, never guessed at; names are compared as bytes, never as text of a tool.
 */

/** One element of ITU-T X.690. Tags of more than one byte do not occur in certificates. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With its tag and length. */
  readonly bytes: Buffer;
}

export const tags = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30 } as const;

/** Why bytes are not what they should be. Its text is ours: nothing of what was read is in it. */
export class Malformed extends Error {}

const lengthBytesMax = 4;

/** The one element that the bytes are. Throws `Malformed`. */
export function elementOf(bytes: Buffer, tag?: number): Element {
  const element = elementAt(bytes, 0);
  if (element.bytes.length !== bytes.length) throw new Malformed('there are bytes behind its end');
  return tag === undefined ? element : requireTag(element, tag);
}

/** Those that stand in a content, one after the other. Throws `Malformed`. */
export function* elementsOf(content: Buffer): Generator<Element, void> {
  for (let at = 0; at < content.length;) {
    const element = elementAt(content, at);
    yield element;
    at += element.bytes.length;
  }
}

/** The members of a SEQUENCE. Throws `Malformed`. */
export function membersOf(element: Element | undefined): Element[] {
  return Array.from(elementsOf(requireTag(element, tags.sequence).content));
}

export function requireTag(element: Element | undefined, tag: number): Element {
  if (element === undefined) throw new Malformed('a part of it is missing');
  if (element.tag !== tag) throw new Malformed('a part of it has another type than it must have');
  return element;
}

/** As `1.2.840.113549.1.1.11`. Throws `Malformed`. */
export function oidOf(element: Element | undefined): string {
  const { content } = requireTag(element, tags.oid);
  const arcs: number[] = [];
  let arc = 0;
  for (const [index, byte] of content.entries()) {
    if (arc === 0 && byte === 0x80) throw new Malformed('an object identifier is not written as short as it can be');
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new Malformed('an object identifier is too long');
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    } else if (index === content.length - 1) throw new Malformed('an object identifier has no end');
  }
  const [first] = arcs;
  if (first === undefined) throw new Malformed('an object identifier is empty');
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...arcs.slice(1)].join('.');
}

/** A number that has no sign, as hex without leading zeros: what a serial number is compared by. Throws `Malformed`. */
export function serialOf(element: Element | undefined): string {
  const { content } = requireTag(element, tags.integer);
  if (content.length === 0) throw new Malformed('a number is empty');
  return content.toString('hex').replace(/^(?:00)+(?=..)/, '');
}

/** Throws `Malformed` where it is no small number. */
export function smallNumberOf(element: Element | undefined): number {
  const { content } = requireTag(element, tags.integer);
  const [first] = content;
  if (first === undefined || first >= 0x80 || content.length > 4) throw new Malformed('a number is out of range');
  return content.readUIntBE(0, content.length);
}

export function booleanOf(element: Element): boolean {
  const { content } = requireTag(element, tags.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new Malformed('a truth value is none');
  return content[0] === 0xff;
}

/** The bytes of a BIT STRING that is made of whole ones. Throws `Malformed`. */
export function bytesOf(element: Element | undefined): Buffer {
  const { content } = requireTag(element, tags.bitString);
  if (content[0] !== 0) throw new Malformed('a string of bits does not end with a byte');
  return content.subarray(1);
}

/** Which bits of a named list (RFC 5280, KeyUsage) are set, the first being 0. */
export function bitsOf(element: Element): ReadonlySet<number> {
  const { content } = requireTag(element, tags.bitString);
  const set = new Set<number>();
  for (const [index, byte] of content.subarray(1).entries()) for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) set.add(index * 8 + bit);
  return set;
}

const utcTime = 0x17;
const generalizedTime = 0x18;

/** UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5. Throws `Malformed`. */
export function timeOf(element: Element | undefined): number {
  if (element === undefined || (element.tag !== utcTime && element.tag !== generalizedTime)) throw new Malformed('a time is missing');
  const [, year = '', ...rest] =
    (element.tag === utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
      element.content.toString('latin1'),
    ) ?? [];
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
  const wholeYear = element.tag === generalizedTime ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  const at = new Date(0);
  at.setUTCFullYear(wholeYear, month - 1, day);
  at.setUTCHours(hour, minute, second);
  if (year === '' || at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    throw new Malformed('a time is none');
  return at.getTime();
}

function elementAt(bytes: Buffer, at: number): Element {
  const [tag, length] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || length === undefined) throw new Malformed('it ends too early');
  if ((tag & 0x1f) === 0x1f) throw new Malformed('it has a tag of more than one byte');
  let start = at + 2;
  let size = length;
  if (length >= 0x80) {
    const count = length - 0x80;
    if (count === 0 || count > lengthBytesMax || start + count > bytes.length) throw new Malformed('a length is none that DER allows');
    size = bytes.readUIntBE(start, count);
    if (size < 0x80 || bytes[start] === 0) throw new Malformed('a length is not written as short as it can be');
    start += count;
  }
  const end = start + size;
  if (end > bytes.length) throw new Malformed('it ends too early');
  return { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(at, end) };
}
