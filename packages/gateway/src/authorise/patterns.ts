import { fitsGlob, parseGlob, type Glob } from '../kernel/glob.ts';

/** Patterns of names, in which `*` stands for any text, of which one has to fit. */
export interface Patterns {
  /** Those without `*`. */
  readonly exact: ReadonlySet<string>;
  readonly hasGlobs: boolean;
  fits(name: string): boolean;
  /** Whether some name that begins so may fit. */
  mayFitFrom(beginning: string): boolean;
  /** Whether every name that begins so fits. */
  fitsAllFrom(beginning: string): boolean;
}

/** Names without `*` are looked up, so that thousands of them cost no more than one. */
export function compilePatterns(patterns: readonly string[]): Patterns {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const globs: readonly Glob[] = patterns.filter((pattern) => pattern.includes('*')).map(parseGlob);
  return {
    exact,
    hasGlobs: globs.length > 0,
    fits: (name) => exact.has(name) || globs.some((glob) => fitsGlob(glob, name)),
    mayFitFrom: (beginning) =>
      [...exact].some((name) => name.startsWith(beginning)) || globs.some(([first = '']) => first.startsWith(beginning) || beginning.startsWith(first)),
    fitsAllFrom: (beginning) => globs.some((glob) => glob.length === 2 && glob[1] === '' && beginning.startsWith(glob[0] ?? '')),
  };
}

/** The same for what refuses: names are to be folded before they are looked up, so that no other spelling of a name slips past. */
export function foldedPatterns(patterns: readonly string[]): Patterns {
  return compilePatterns(patterns.map(fold));
}

/** Names that look or are read alike are the same (Unicode Standard Annex 15, NFKC; case). */
export function fold(name: string): string {
  // What is plain lower case already, as most names are, is its own fold.
  return /^[a-z0-9_./:*-]*$/.test(name) ? name : name.normalize('NFKC').toLowerCase().normalize('NFKC');
}
