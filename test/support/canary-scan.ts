/**
 * Looks for secrets where none may be: in files, outputs and wire bytes, as they are and in every form in which programs
 * commonly write them. A finding names the place and the form, never the secret.
 *
 * What it cannot see: compressed or encrypted data. A store that compresses must be asked by a query as well.
 */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** A folder or file on disk, all below it included, or text or bytes at hand, with the name to report. */
export type Place = { readonly path: string } | { readonly name: string; readonly content: string | Buffer };

export interface Finding {
  readonly place: string;
  /** Which of the secrets, by its label. */
  readonly secret: string;
  readonly form: string;
}

const windowBytes = 4 * 1024 * 1024;

/** @param secrets label → secret, each of at least 8 bytes, so that chance finds nothing */
export function findSecrets(places: readonly Place[], secrets: Readonly<Record<string, string | Buffer>>): Finding[] {
  const needles = Object.entries(secrets).flatMap(([label, secret]) => formsOf(label, Buffer.from(secret as string)));
  const overlap = Math.max(0, ...needles.map(({ bytes }) => bytes.length));
  const findings = new Map<string, Finding>();

  const search = (place: string, content: Buffer): void => {
    for (const { secret, form, bytes } of needles) {
      const key = JSON.stringify([place, secret, form]);
      if (!findings.has(key) && content.includes(bytes)) findings.set(key, { place, secret, form });
    }
  };
  for (const place of places) {
    if ('content' in place) search(place.name, Buffer.from(place.content as string));
    else for (const file of filesBelow(place.path)) searchFile(file, overlap, search);
  }
  return [...findings.values()];
}

interface Needle {
  readonly secret: string;
  readonly form: string;
  readonly bytes: Buffer;
}

function formsOf(secret: string, bytes: Buffer): Needle[] {
  if (bytes.length < 8) throw new Error(`the secret ${secret} is too short to look for`);
  const text = bytes.toString('utf8');
  const forms: [string, Buffer | string][] = [
    ['raw', bytes],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['url-encoded', encodeURIComponent(text)],
    ['json', JSON.stringify(text).slice(1, -1)],
    ['utf-16', Buffer.from(text, 'utf16le')],
    ['reversed', text.split('').reverse().join('')],
  ];
  // In a longer text the secret may begin at any of three places of a base64 group; its whole groups look alike in each.
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const whole = encoded.slice(before === 0 ? 0 : 4, Math.floor((before + bytes.length) / 3) * 4);
    forms.push([`base64+${before}`, whole], [`base64url+${before}`, whole.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  const seen = new Set<string>();
  return forms
    .map(([form, needle]) => ({ secret, form, bytes: Buffer.from(needle as string) }))
    .filter(({ bytes: needle }) => !seen.has(needle.toString('latin1')) && seen.add(needle.toString('latin1')));
}

function* filesBelow(path: string): Generator<string> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) yield path;
  if (stat?.isDirectory()) for (const name of readdirSync(path)) yield* filesBelow(join(path, name));
}

function searchFile(path: string, overlap: number, search: (place: string, content: Buffer) => void): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Gone since the folder was read: a program is at work in it.
    return;
  }
  try {
    const window = Buffer.alloc(windowBytes + overlap);
    for (let kept = 0; ;) {
      const read = readSync(file, window, kept, windowBytes, null);
      if (read === 0) return;
      const filled = kept + read;
      search(path, window.subarray(0, filled));
      kept = Math.min(overlap, filled);
      window.copyWithin(0, filled - kept, filled);
    }
  } finally {
    closeSync(file);
  }
}
