/**
 * What makes one value of plain data (what JSON can say) of another. What is the same in both is not in it, and once it is applied they share it: `===` tells
 * what has not changed. Members of objects are compared one by one, at any depth; entries of lists by what they say, wherever they stand.
 */
export type Plain = Readonly<Record<string, unknown>>;

/** A value of a member, or its end. */
type MemberChange = { readonly at: readonly string[]; readonly set: unknown } | { readonly at: readonly string[]; readonly unset: true };

/** A list, made of runs of the one that stood there and of new entries. `more`: goes on with the one before. */
interface ListChange {
  readonly at: readonly string[];
  readonly list: readonly ({ readonly keep: readonly [from: number, count: number] } | { readonly put: readonly unknown[] })[];
  readonly more?: true;
}

type Change = MemberChange | ListChange;

/** Gives the JSON text of a value, and remembers it for as long as there is the value: of what has not changed it is made once. */
export type TextOf = (value: unknown) => string;

export function rememberTexts(): TextOf {
  const texts = new WeakMap<object, string>();
  return (value) => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    let text = texts.get(value);
    if (text === undefined) {
      text = JSON.stringify(value);
      texts.set(value, text);
    }
    return text;
  };
}

/** The difference, in pieces of about this length, to be applied in order; none where there is no difference. One entry of a list is never divided. */
export function deltaOf(before: Plain, after: Plain, pieceCharsMax: number, textOf: TextOf): string[] {
  const pieces: string[] = [];
  let changes: string[] = [];
  let chars = 0;

  function flush(): void {
    if (changes.length > 0) pieces.push(`[${changes.join(',')}]`);
    changes = [];
    chars = 0;
  }

  function push(change: string): void {
    changes.push(change);
    chars += change.length;
    if (chars >= pieceCharsMax) flush();
  }

  function compareMembers(at: readonly string[], old: Plain, now: Plain): void {
    for (const key of Object.keys(old)) if (old[key] !== undefined && ownOf(now, key) === undefined) push(JSON.stringify({ at: [...at, key], unset: true }));
    for (const key of Object.keys(now)) if (now[key] !== undefined) compare([...at, key], ownOf(old, key), now[key]);
  }

  function compare(at: readonly string[], old: unknown, now: unknown): void {
    if (old === now) return;
    const place = JSON.stringify(at);
    if (Array.isArray(now)) {
      if (Array.isArray(old) || now.length > 0) return compareLists(place, Array.isArray(old) ? old : [], now);
    } else if (isObject(now)) {
      if (isObject(old)) return compareMembers(at, old, now);
      push(`{"at":${place},"set":{}}`);
      return compareMembers(at, {}, now);
    }
    if (old === undefined || textOf(old) !== textOf(now)) push(`{"at":${place},"set":${textOf(now)}}`);
  }

  function compareLists(place: string, old: readonly unknown[], now: readonly unknown[]): void {
    const find = finderIn(old, textOf);
    const runs: { from: number; count: number; put: unknown[] }[] = [];
    let next = 0;
    for (const entry of now) {
      const found = old[next] === entry && next < old.length ? next : find(entry);
      const last = runs.at(-1);
      if (found === null) {
        if (last === undefined || last.count > 0) runs.push({ from: 0, count: 0, put: [entry] });
        else last.put.push(entry);
        continue;
      }
      if (last !== undefined && last.count > 0 && last.from + last.count === found) last.count++;
      else runs.push({ from: found, count: 1, put: [] });
      next = found + 1;
    }
    const [first] = runs;
    if (old.length === now.length && (first === undefined || first.count === old.length)) return;
    let begun = '';
    let parts: string[] = [];
    let partChars = 0;
    const end = (): void => {
      push(`{"at":${place},"list":[${parts.join(',')}]${begun}}`);
      begun = ',"more":true';
      parts = [];
      partChars = 0;
    };
    const add = (part: string): void => {
      parts.push(part);
      partChars += part.length;
      if (chars + partChars >= pieceCharsMax) end();
    };
    for (const { from, count, put } of runs) {
      if (count > 0) add(`{"keep":[${from},${count}]}`);
      for (const group of grouped(put.map(textOf), pieceCharsMax)) add(`{"put":[${group.join(',')}]}`);
    }
    if (parts.length > 0 || begun === '') end();
  }

  compareMembers([], before, after);
  flush();
  return pieces;
}

/** Finds an entry of a list by identity, or by what it says. */
function finderIn(list: readonly unknown[], textOf: TextOf): (entry: unknown) => number | null {
  const byIdentity = new Map(list.map((entry, index) => [entry, index]));
  let byText: Map<string, number> | null = null;
  return (entry) => {
    const found = byIdentity.get(entry);
    if (found !== undefined) return found;
    byText ??= new Map(list.map((one, index) => [textOf(one), index]));
    return byText.get(textOf(entry)) ?? null;
  };
}

function grouped(texts: readonly string[], charsMax: number): string[][] {
  const groups: string[][] = [];
  let chars = Infinity;
  for (const text of texts) {
    if (chars >= charsMax) {
      groups.push([]);
      chars = 0;
    }
    groups.at(-1)?.push(text);
    chars += text.length;
  }
  return groups;
}

/** Makes the later value of the earlier one, a piece a step. Throws where the pieces are not of this value; versions tell that beforehand. */
export function* deltaSteps(before: Plain, pieces: readonly string[]): Generator<void, Plain> {
  const result = { ...before };
  const own = new Set<object>([result]);
  for (const piece of pieces) {
    for (const change of JSON.parse(piece) as readonly Change[]) {
      const parent = parentOf(result, change.at, own);
      const key = change.at.at(-1) ?? '';
      if ('unset' in change) delete parent[key];
      else if ('set' in change) {
        if (isObject(change.set)) own.add(change.set);
        put(parent, key, change.set);
      } else if (change.more === true) extend(ownOf(parent, key), change, before);
      else {
        const list: unknown[] = [];
        extend(list, change, before);
        put(parent, key, list);
      }
    }
    yield;
  }
  return result;
}

function extend(list: unknown, { at, list: runs }: ListChange, before: Plain): void {
  if (!Array.isArray(list)) throw new TypeError(`no list at ${at.join('.')} to go on with`);
  const old = at.reduce<unknown>((value, key) => (isObject(value) ? ownOf(value, key) : undefined), before);
  for (const run of runs) {
    if ('put' in run) {
      for (const entry of run.put) list.push(entry);
      continue;
    }
    const [from, count] = run.keep;
    if (!Array.isArray(old) || from + count > old.length) throw new RangeError(`a list at ${at.join('.')} is not the one that a change was made for`);
    for (let index = from; index < from + count; index++) list.push(old[index]);
  }
}

/** The object that has the member, copied on its way from the root where it was the earlier value's. */
function parentOf(root: Record<string, unknown>, at: readonly string[], own: Set<object>): Record<string, unknown> {
  let parent = root;
  for (const key of at.slice(0, -1)) {
    const value = ownOf(parent, key);
    if (!isObject(value)) throw new TypeError(`no object at ${at.join('.')}`);
    if (own.has(value)) {
      parent = value;
      continue;
    }
    const copy = { ...value };
    own.add(copy);
    put(parent, key, copy);
    parent = copy;
  }
  return parent;
}

function put(object: Record<string, unknown>, key: string, value: unknown): void {
  // A member may have any name, also that of the prototype.
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

function ownOf(object: Plain, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
