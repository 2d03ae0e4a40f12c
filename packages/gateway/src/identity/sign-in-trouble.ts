/** The steps of signing in by a provider, in their order. */
export const signInSteps = ['address', 'discovery', 'keys', 'answer', 'client', 'token', 'signature', 'decryption', 'assertion', 'identity', 'groups'] as const;
export type SignInStep = (typeof signInSteps)[number];

/** Why somebody could not sign in: for an administrator's eyes, never for those of who tried. */
export class SignInTrouble extends Error {
  override readonly name = 'SignInTrouble';
  readonly step: SignInStep;
  /** What mends it. */
  readonly fix: string;

  constructor(step: SignInStep, reason: string, fix: string, options: { readonly cause?: unknown } = {}) {
    super(reason, options);
    this.step = step;
    this.fix = fix;
  }

  get reason(): string {
    return this.message;
  }
}
