import type { Glob } from '../kernel/glob.ts';

/** The beginning of a trace id that a text without stars names (`tr_4bf92f…`, at least four digits), in hex digits, or null. */
export function traceInText(glob: Glob): string | null {
  const [text = ''] = glob;
  return glob.length === 1 && /^tr_[0-9a-f]{4,32}$/i.test(text) ? text.slice(3).toLowerCase() : null;
}
