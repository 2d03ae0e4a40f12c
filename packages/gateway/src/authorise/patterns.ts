import { fitsGlob, parseGlob, type Glob } from '../kernel/glob.ts';

/** Patterns of names, in which `*` stands for any text, of which one has to fit. */
export interface Patterns {
  /** Those without `*`. */
  readonly exact: readonly string[];
  readonly hasGlobs: boolean;
  fits(name: string): boolean;
  /** Whether some name that begins so may fit. */
  mayFitFrom(beginning: string): boolean;
  /** Whether every name that begins so fits. */
  fitsAllFrom(beginning: string): boolean;
}

/** Up to so many names are compared one by one, which is cheaper than to look one up. */
const comparedMax = 8;
const noGlobs: readonly Glob[] = [];

/** Names without `*` are looked up, so that thousands of them cost no more than one. What is given is kept, and must not change. */
export function compilePatterns(patterns: readonly string[]): Patterns {
  return new NamePatterns(patterns);
}

/** The same for what refuses: names are to be folded before they are looked up, so that no other spelling of a name slips past. */
export function foldedPatterns(patterns: readonly string[]): Patterns {
  const folded = patterns.map(fold);
  return new NamePatterns(folded.every((pattern, at) => pattern === patterns[at]) ? patterns : folded);
}

/** A class, for there are several of each of thousands of rules: functions and look-ups of their own would be most of what a rule takes in memory. */
class NamePatterns implements Patterns {
  readonly exact: readonly string[];
  readonly #names: ReadonlySet<string> | null;
  readonly #globs: readonly Glob[];

  constructor(patterns: readonly string[]) {
    const hasGlobs = patterns.some(isGlob);
    this.exact = hasGlobs ? patterns.filter((pattern) => !isGlob(pattern)) : patterns;
    this.#names = this.exact.length > comparedMax ? new Set(this.exact) : null;
    this.#globs = hasGlobs ? patterns.filter(isGlob).map(parseGlob) : noGlobs;
  }

  get hasGlobs(): boolean {
    return this.#globs.length > 0;
  }

  fits(name: string): boolean {
    if (this.#names === null) {
      for (const one of this.exact) if (one === name) return true;
    } else if (this.#names.has(name)) return true;
    return this.#globs.length > 0 && this.#globs.some((glob) => fitsGlob(glob, name));
  }

  mayFitFrom(beginning: string): boolean {
    return (
      this.exact.some((name) => name.startsWith(beginning)) || this.#globs.some(([first = '']) => first.startsWith(beginning) || beginning.startsWith(first))
    );
  }

  fitsAllFrom(beginning: string): boolean {
    return this.#globs.some((glob) => glob.length === 2 && glob[1] === '' && beginning.startsWith(glob[0] ?? ''));
  }
}

function isGlob(pattern: string): boolean {
  return pattern.includes('*');
}

/** Names that look or are read alike are the same (Unicode Standard Annex 15, NFKC; case). */
export function fold(name: string): string {
  // What is plain lower case already, as most names are, is its own fold.
  return /^[a-z0-9_./:*-]*$/.test(name) ? name : name.normalize('NFKC').toLowerCase().normalize('NFKC');
}
