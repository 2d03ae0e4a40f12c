/** What the shape of `record.masking` cannot say: that its patterns can be read, and that their names tell them apart. */
import { RE2JS } from 're2js';
import type { Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import type { MaskingEntry } from './schema-record.ts';

export function checkMasking({ patterns }: Pick<MaskingEntry, 'patterns'>, at: Path, complain: Complain): void {
  for (const [index, { name, pattern }] of patterns.entries()) {
    const first = patterns.findIndex((other) => other.name === name);
    if (first < index) {
      const cause = `patterns[${first}] has the name already; a trace could not say which of them fitted.`;
      complain([...at, 'patterns', index, 'name'], `two patterns are named ${name}`, cause, 'Give one of them another name.');
    }
    const reason = faultOfPattern(pattern);
    if (reason !== null)
      complain(
        [...at, 'patterns', index, 'pattern'],
        'the pattern cannot serve',
        reason,
        'Write it in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax): without look-around and back references, which can take forever.',
      );
  }
}

/** Why a pattern cannot mask, or null. */
function faultOfPattern(pattern: string): string | null {
  try {
    return RE2JS.compile(pattern, RE2JS.MULTILINE).testExact('') ? 'It fits an empty text, and there is one between any two characters.' : null;
  } catch (error) {
    return `${(error instanceof Error ? error.message : String(error)).slice(0, 200)}.`;
  }
}
