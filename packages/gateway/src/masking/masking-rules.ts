/**
 * masking: what of a text may be kept? Imports `kernel/`. Pure: no files, no sockets, no clock of its own. Promises: what a rule
 * finds, in whichever of the known encodings and however it is split, is not in the result; the cost of one call's bodies is
 * bounded; and what could not be looked at as a whole yields no text at all, but the reason.
 */

/** What is masked, as a configuration says it. Plain data. */
export interface MaskingRules {
  readonly email: boolean;
  readonly phone: boolean;
  /** Names of members and headers whose values are masked whole, beside those that always are; `*` stands for any text. */
  readonly fields: readonly string[];
  /** Places whose values are masked whole, in the syntax of `kernel/json-path.ts`; each fits at any depth. */
  readonly paths: readonly string[];
  /** RE2 patterns; what fits is masked. */
  readonly patterns: readonly { readonly name: string; readonly pattern: string }[];
  /** Most characters of one text that are looked at, and what becomes of a body with a longer one. */
  readonly fieldCharsMax: number;
  readonly overLimit: 'drop' | 'truncate';
}

/** One kind of finding at one place. */
export interface MaskedValue {
  /** `card`, `github-pat`, `field`, or the name of a rule of the configuration. */
  readonly rule: string;
  readonly kind: MaskedKind;
  /** Which of the texts it was in. */
  readonly part: string;
  /** JSON Pointer (RFC 6901) of the value, masked itself; empty in a text that is no JSON. */
  readonly path: string;
  /** Characters before the first of them in the value. */
  readonly offset: number;
  readonly count: number;
}

export type MaskedKind = 'card' | 'national_id' | 'bank_account' | 'credential' | 'private_key' | 'email' | 'phone' | 'field' | 'path' | 'pattern' | 'encoded';

/** Why a body is not kept. */
export type NotKept = 'not_text' | 'over_scan_limit' | 'timeout' | 'failed';

/** A stretch of a text that must not be kept. */
export interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly rule: string;
  readonly kind: MaskedKind;
  /** What stands there instead. */
  readonly mask: string;
}

export function maskOf(rule: string): string {
  return `[masked:${rule}]`;
}

/** Stands between the texts of a body where they are looked at as one. */
export const textEnd = '\u0000';
