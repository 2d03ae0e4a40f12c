interface Open {
  readonly closer: string;
  readonly around: Open | null;
}

/**
 * The whole members of a JSON text of which only the beginning is there: what is cut in its midst is left out, and what is open is closed.
 * Undefined where not even the first bracket is whole.
 */
export function closedJson(text: string): string | undefined {
  let open = null as Open | null;
  let whole: { readonly end: number; readonly open: Open | null } | undefined;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (isString) {
      if (char === '\\') at += 1;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === '{' || char === '[') {
      open = { closer: char === '{' ? '}' : ']', around: open };
      whole = { end: at + 1, open };
    } else if (char === '}' || char === ']') {
      open = open?.around ?? null;
      whole = { end: at + 1, open };
    } else if (char === ',') whole = { end: at, open };
  }
  if (whole === undefined) return undefined;
  const closers: string[] = [];
  for (let one = whole.open; one !== null; one = one.around) closers.push(one.closer);
  return text.slice(0, whole.end) + closers.join('');
}
