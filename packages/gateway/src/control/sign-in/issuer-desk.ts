import type { TokenStep } from '../../kernel/token-terms.ts';
import type { TokenVerdict, TokenVerifier } from '../../identity/verify-token.ts';

/** The issuers that this node's configuration names, for whoever has a token of one. */
export interface IssuerDesk {
  /** Loads what verifies tokens with the first one; of issuers there are some then. */
  verify(text: string): Promise<TokenVerdict>;
  /** Counts a token that was not taken, by the test that it failed. */
  noteRefused(step: TokenStep): void;
  refusals(): ReadonlyMap<TokenStep, number>;
  /** What is known of their keys; none before the first token. */
  reports(): ReturnType<TokenVerifier['reports']>;
}
