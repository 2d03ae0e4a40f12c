import type { Glob } from '../kernel/glob.ts';

/** The ledger finds bodies by runs of so many characters. */
export const bodyRunCharsMin = 3;

const run = new RegExp(`.{${bodyRunCharsMin}}`, 'su');

export function isLongEnoughForBodies(glob: Glob): boolean {
  return glob.some((part) => run.test(part));
}

/**
 * What stands in a body where this text was meant: as it is; as JSON writes it in a string; and as JSON writes it where every character
 * beyond ASCII is escaped, which some libraries do.
 */
export function formsInBodies(glob: Glob): readonly Glob[] {
  const escaped = glob.map((part) => JSON.stringify(part).slice(1, -1));
  const ascii = escaped.map((part) => part.replace(/\P{ASCII}/gu, unitsOf));
  const forms = [glob, escaped, ascii];
  return forms.filter((form, at) => forms.findIndex((other) => other.join('*') === form.join('*')) === at);
}

function unitsOf(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}
