/** A pattern of `*` (any run of characters, also none) and literal text, taken apart once. */
export type Glob = readonly string[];

/** An exact name is a glob without `*`. */
export function parseGlob(pattern: string): Glob {
  return pattern.split('*');
}

/** Whether the whole of `text` fits; the time grows with the product of both lengths at most, for neither is always to be trusted. */
export function fitsGlob(glob: Glob, text: string): boolean {
  const first = glob[0] ?? '';
  if (glob.length === 1) return text === first;
  const last = glob.at(-1) ?? '';
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const literal of glob.slice(1, -1)) {
    const found = text.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return at + last.length <= text.length;
}
