/**
 * Replaces values inside a JSON text without touching any other byte: numbers above 2^53, unknown members, escapes and
 * the order of members stay as they were sent.
 */
/** In a path: every element of an array, or every member of an object. */
export const each = Symbol('each');
export type ValuePath = readonly (string | typeof each)[];

export interface FoundValue {
  /** Index into the paths asked for. */
  readonly path: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string | Buffer;
}

/** `json` with each edit's range replaced. Edits must be in order and must not overlap. */
export function splice(json: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return json;
  const parts: Buffer[] = [];
  let at = 0;
  for (const edit of edits) {
    parts.push(json.subarray(at, edit.start), typeof edit.text === 'string' ? Buffer.from(edit.text) : edit.text);
    at = edit.end;
  }
  parts.push(json.subarray(at));
  return Buffer.concat(parts);
}

/**
 * Where the values at `paths` (member names and `each`, from the top-level object inwards) stand in `json`, in order of their place. `json` must be a
 * JSON object that JSON.parse accepts. A member that is there twice is found twice, so that an edit of all of them leaves no reader
 * of the text with the old value.
 */
export function findValues(json: Buffer, paths: readonly ValuePath[]): FoundValue[] {
  const found: FoundValue[] = [];
  const open = skipSpace(json, 0);
  if (json[open] === 0x7b) {
    walkObject(
      json,
      open,
      0,
      paths.map((_, index) => index),
      paths,
      found,
    );
  }
  return found;
}

/** A member of an object as it was written: from its name's quote to the end of its value. */
export interface JsonMember {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  /** Exclusive. */
  readonly end: number;
}

/** The members of the top-level object of `json`, in order, one that is there twice each time; `json` as for `findValues`. None where it is no object. */
export function membersOf(json: Buffer): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(json, 0);
  if (json[at] !== 0x7b) return members;
  at = skipSpace(json, at + 1);
  while (json[at] === 0x22) {
    const keyEnd = skipString(json, at);
    const valueStart = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = skipValue(json, valueStart);
    members.push({ key: keyOf(json, at, keyEnd), start: at, valueStart, end });
    at = skipSpace(json, end);
    if (json[at] === 0x2c) at = skipSpace(json, at + 1);
  }
  return members;
}

/** The JSON object of these members. */
export function objectOf(members: Iterable<readonly [string, string]>): string {
  return `{${Array.from(members, ([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

/** Walks the object that begins at `at`; `live` are the paths that lead into it. Returns the index after its brace. */
function walkObject(json: Buffer, at: number, depth: number, live: readonly number[], paths: readonly ValuePath[], found: FoundValue[]): number {
  at = skipSpace(json, at + 1);
  while (json[at] === 0x22) {
    const keyEnd = skipString(json, at);
    const key = keyOf(json, at, keyEnd);
    at = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const inside: number[] = [];
    let here = -1;
    for (const index of live) {
      const path = paths[index];
      if (path === undefined || (path[depth] !== key && path[depth] !== each)) continue;
      if (path.length === depth + 1) here = index;
      else inside.push(index);
    }
    const start = at;
    at = walkValue(json, at, depth + 1, inside, paths, found);
    if (here >= 0) found.push({ path: here, start, end: at });
    at = skipSpace(json, at);
    if (json[at] === 0x2c) at = skipSpace(json, at + 1);
  }
  return at + 1;
}

/** The same for an array: only `each` leads into it. */
function walkArray(json: Buffer, at: number, depth: number, live: readonly number[], paths: readonly ValuePath[], found: FoundValue[]): number {
  const inside = live.filter((index) => paths[index]?.[depth] === each && paths[index].length > depth + 1);
  const here = live.findLast((index) => paths[index]?.[depth] === each && paths[index].length === depth + 1);
  at = skipSpace(json, at + 1);
  while (at < json.length && json[at] !== 0x5d) {
    const start = at;
    at = walkValue(json, at, depth + 1, inside, paths, found);
    if (here !== undefined) found.push({ path: here, start, end: at });
    at = skipSpace(json, at);
    if (json[at] === 0x2c) at = skipSpace(json, at + 1);
  }
  return at + 1;
}

function walkValue(json: Buffer, at: number, depth: number, live: readonly number[], paths: readonly ValuePath[], found: FoundValue[]): number {
  if (live.length > 0 && json[at] === 0x7b) return walkObject(json, at, depth, live, paths, found);
  if (live.length > 0 && json[at] === 0x5b) return walkArray(json, at, depth, live, paths, found);
  return skipValue(json, at);
}

/** The key that stands in quotes from `start` to `end`. */
export function keyOf(json: Buffer, start: number, end: number): string {
  const raw = json.toString('utf8', start + 1, end - 1);
  return raw.includes('\\') ? (JSON.parse(json.toString('utf8', start, end)) as string) : raw;
}

/** The index of the next byte that is no white space. */
export function skipSpace(json: Buffer, at: number): number {
  for (;;) {
    const byte = json[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at++;
  }
}

/** The index after the string whose opening quote is at `at`. */
export function skipString(json: Buffer, at: number): number {
  let end = json.indexOf(0x22, at + 1);
  while (end >= 0) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    end = json.indexOf(0x22, end + 1);
  }
  return json.length;
}

/** The index after the value that begins at `at`. */
export function skipValue(json: Buffer, at: number): number {
  const first = json[at];
  if (first === 0x22) return skipString(json, at);
  if (first !== 0x7b && first !== 0x5b) {
    for (;;) {
      const byte = json[at];
      if (byte === undefined || byte === 0x2c || byte === 0x7d || byte === 0x5d || byte <= 0x20) return at;
      at++;
    }
  }
  let depth = 0;
  while (at < json.length) {
    const byte = json[at];
    if (byte === 0x22) {
      at = skipString(json, at);
      continue;
    }
    at++;
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      if (depth === 0) return at;
    }
  }
  return at;
}
