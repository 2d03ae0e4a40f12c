import type { BodyPart } from '../masking/leaves.ts';
import type { MaskedBodies } from '../masking/masker.ts';
import type { MaskingRules } from '../masking/masking-rules.ts';

/** What the supervisor says to the masking process, over IPC. */
export type ToMasking =
  /** What holds from now on. The first one opens the socket of the workers: without rules nothing is taken. */
  | { readonly kind: 'rules'; readonly id: number; readonly rules: MaskingRules }
  /** A trial, of which nothing is kept. */
  | { readonly kind: 'test'; readonly id: number; readonly rules: MaskingRules | null; readonly body: BodyPart };

/** What it says back: to each message one answer, and by itself what could not be written. */
export type FromMasking =
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'tested'; readonly id: number; readonly masked: MaskedBodies }
  | { readonly kind: 'lost'; readonly rows: number };
