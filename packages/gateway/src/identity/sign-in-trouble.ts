/** The steps of signing in by a provider, in their order. */
export const signInSteps = ['address', 'discovery', 'keys', 'answer', 'client', 'token', 'signature', 'decryption', 'assertion', 'identity', 'groups'] as const;
export type SignInStep = (typeof signInSteps)[number];

/** Why somebody could not sign in: for an administrator's eyes, never for those of who tried. */
export class SignInTrouble extends Error {
  override readonly name = 'SignInTrouble';
  readonly step: SignInStep;
  /** What mends it. */
  readonly fix: string;
  /** When it is tried again whether that still holds; null: whenever somebody tries. */
  readonly retryAfterMs: number | null;

  constructor(step: SignInStep, reason: string, fix: string, options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {}) {
    super(reason, options);
    this.step = step;
    this.fix = fix;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  get reason(): string {
    return this.message;
  }
}
