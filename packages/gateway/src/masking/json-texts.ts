/** One text of a JSON document: a string, a number or the name of a member, and where it stands. */
export interface JsonText {
  readonly kind: 'string' | 'number' | 'name';
  readonly value: string;
  /** Of the literal with its quotes, in the document. */
  readonly start: number;
  readonly end: number;
  /** From the document's root; items of lists by their number. Of a name: that of the object. */
  readonly path: readonly string[];
}

/** Deeper documents are not looked into. */
const depthMax = 128;
const numberForm = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordForm = /true|false|null/y;

/**
 * Every text of a JSON document, in order; null where it is none. `isCut`: the document may end anywhere, as one of which only the
 * beginning is at hand; what is there of its last text is given too.
 */
export function readJsonTexts(json: string, isCut: boolean): JsonText[] | null {
  const texts: JsonText[] = [];
  /** Containers that are open: the names or numbers of what is being read in them. */
  const path: string[] = [];
  const isObject: boolean[] = [];
  let at = 0;

  const skip = (): void => {
    for (;;) {
      const code = json.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  };
  /** Reads the string that begins here; null where it is no string of JSON. */
  const readString = (): { value: string; start: number; whole: boolean } | null => {
    const start = at;
    for (let end = at + 1; ; end++) {
      end = json.indexOf('"', end);
      if (end < 0) {
        at = json.length;
        const value = isCut ? cutString(json.slice(start + 1)) : null;
        return value === null ? null : { value, start, whole: false };
      }
      let backslashes = 0;
      while (json.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
      if (backslashes % 2 === 1) continue;
      at = end + 1;
      const value = parsed(json.slice(start, at));
      return value === null ? null : { value, start, whole: true };
    }
  };

  let state: 'value' | 'name' | 'next' = 'value';
  /** Nothing but white space since a bracket or brace was opened: it may be closed at once. */
  let isNew = false;
  for (;;) {
    skip();
    if (at >= json.length) return isCut && (path.length > 0 || texts.length > 0) ? texts : state === 'next' && path.length === 0 ? texts : null;
    const first = json.charAt(at);
    if (state === 'next') {
      if (path.length === 0) return null;
      const inObject = isObject.at(-1) === true;
      if (first === (inObject ? '}' : ']')) {
        at++;
        path.pop();
        isObject.pop();
      } else if (first === ',') {
        at++;
        if (inObject) state = 'name';
        else {
          path.push(String(Number(path.pop()) + 1));
          state = 'value';
        }
      } else return null;
      continue;
    }
    if (state === 'name') {
      if (first === '}' && isNew) {
        isNew = false;
        state = 'next';
        continue;
      }
      if (first !== '"') return null;
      isNew = false;
      const name = readString();
      if (name === null) return null;
      texts.push({ kind: 'name', value: name.value, start: name.start, end: at, path: path.slice(0, -1) });
      path[path.length - 1] = name.value;
      if (!name.whole) return texts;
      skip();
      if (at >= json.length && isCut) return texts;
      if (json.charAt(at) !== ':') return null;
      at++;
      state = 'value';
      continue;
    }
    if (first === '{' || first === '[') {
      if (path.length >= depthMax) return null;
      at++;
      path.push(first === '{' ? '' : '0');
      isObject.push(first === '{');
      isNew = true;
      state = first === '{' ? 'name' : 'value';
      continue;
    }
    if (first === ']' && isNew) {
      isNew = false;
      state = 'next';
      continue;
    }
    isNew = false;
    if (first === '"') {
      const found = readString();
      if (found === null) return null;
      texts.push({ kind: 'string', value: found.value, start: found.start, end: at, path: [...path] });
      if (!found.whole) return texts;
    } else {
      const start = at;
      numberForm.lastIndex = at;
      const number = numberForm.exec(json)?.[0];
      if (number === undefined) {
        wordForm.lastIndex = at;
        const word = wordForm.exec(json)?.[0];
        if (word === undefined) return isCut && /^[a-z]*$/.test(json.slice(at)) ? texts : null;
        at += word.length;
      } else {
        at += number.length;
        texts.push({ kind: 'number', value: number, start, end: at, path: [...path] });
      }
    }
    state = 'next';
  }
}

function parsed(literal: string): string | null {
  if (!literal.includes('\\')) return /[\u0000-\u001f]/.test(literal) ? null : literal.slice(1, -1); // eslint-disable-line no-control-regex
  try {
    return JSON.parse(literal) as string;
  } catch {
    return null;
  }
}

/** A string of which the end is missing, without an escape that is cut too. */
function cutString(rest: string): string | null {
  const whole = rest.replace(/\\(?:u[0-9A-Fa-f]{0,3})?$/, (cut, offset: number) =>
    (/\\*$/.exec(rest.slice(0, offset))?.[0].length ?? 0) % 2 === 0 ? '' : cut,
  );
  return parsed(`"${whole}"`);
}
