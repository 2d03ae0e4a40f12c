import type { Glob } from '../kernel/glob.ts';

/** The ledger finds bodies by runs of so many characters. */
export const bodyRunCharsMin = 3;

export function isLongEnoughForBodies(glob: Glob): boolean {
  return glob.some((part) => [...part].length >= bodyRunCharsMin);
}

/**
 * What stands in a body where this text was meant: as it is; as JSON writes it in a string; and as JSON writes it where every character
 * beyond ASCII is escaped, which some libraries do.
 */
export function formsInBodies(glob: Glob): readonly Glob[] {
  const escaped = glob.map((part) => JSON.stringify(part).slice(1, -1));
  const ascii = escaped.map((part) => part.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
  const forms = [glob, escaped, ascii];
  return forms.filter((form, at) => forms.findIndex((other) => other.join('*') === form.join('*')) === at);
}
