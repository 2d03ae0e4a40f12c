import { RE2JS } from 're2js';
import { Fault } from '../../kernel/fault.ts';
import { parsePath } from '../../kernel/json-path.ts';
import type { BodyPart } from '../../masking/leaves.ts';
import type { MaskedText } from '../../masking/masker.ts';
import type { MaskedValue, MaskingRules } from '../../masking/masking-rules.ts';
import type { ControlContext } from '../context.ts';

/** What masks, for a trial. */
export interface MaskingDesk {
  /** Faults: `unavailable`. */
  test(body: BodyPart, rules: MaskingRules | null): Promise<{ readonly texts: readonly MaskedText[]; readonly masked: readonly MaskedValue[] }>;
}

export interface MaskingTest {
  /** Null: the rules that serve. */
  readonly rules: MaskingRules | null;
  readonly text: string;
  /** Null: as the text looks. */
  readonly form: BodyPart['form'] | null;
}

/** What would be kept of a text, and what would be masked in it. Nothing is stored. Faults: `invalid_request` for rules that cannot serve, `unavailable`. */
export async function testMasking(
  { masking }: Pick<ControlContext, 'masking'>,
  { rules, text, form }: MaskingTest,
): Promise<{ readonly text: MaskedText; readonly masked: readonly MaskedValue[] }> {
  if (rules !== null) requireRules(rules);
  const { texts, masked } = await masking.test({ name: 'text', text, form: form ?? formOf(text), isCut: false }, rules);
  return { text: texts[0] ?? { notKept: 'failed' }, masked };
}

function formOf(text: string): BodyPart['form'] {
  if (/^\s*[[{"]/.test(text)) return 'json';
  return /^(?:data|event|id|retry):/m.test(text) ? 'events' : 'text';
}

function requireRules({ paths, patterns }: MaskingRules): void {
  for (const path of paths) if (parsePath(path) === null) throw new Fault('invalid_request', { reason: `\`${path.slice(0, 60)}\` is no path` });
  for (const { name, pattern } of patterns) {
    try {
      RE2JS.compile(pattern);
    } catch (cause) {
      throw new Fault('invalid_request', { reason: `the pattern \`${name}\` cannot be read as RE2` }, { cause });
    }
  }
}
