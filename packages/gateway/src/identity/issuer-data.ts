import type { OrganizationId } from '../kernel/id.ts';
import type { SignatureAlgorithm, TokenType } from '../kernel/token-terms.ts';
import type { ProvisionRules } from './verified-identity.ts';

/** Who may vouch for callers, as the configuration says it. Plain data. */
export interface IssuerData {
  /** As records and `auth.issuers` name it. */
  readonly name: string;
  /** Whose callers it vouches for. */
  readonly organizationId: OrganizationId;
  /** The claim `iss`, to the letter. */
  readonly issuer: string;
  /** A token names one of these in `aud`, to the letter. */
  readonly audiences: readonly string[];
  /** Where its keys are; null: where its metadata says. */
  readonly jwksUrl: string | null;
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly tokenTypes: readonly TokenType[];
  /** Clients that a token may have been made for; null: any. */
  readonly authorizedParties: readonly string[] | null;
  /** By name or path: what must stand there. */
  readonly requiredClaims: Readonly<Record<string, string | number | boolean>>;
  readonly maxAgeMs: number;
  /** Networks that its documents may come from although they are private or reserved. */
  readonly allowedNetworks: readonly string[];
  /** Certificate authorities in the place of the public ones, in PEM. */
  readonly ca: string | null;
  readonly mapping: ClaimMapping;
  /** The most that its callers may do, whatever their roles; null: every MCP operation and nothing of the control API. */
  readonly actions: readonly string[] | null;
  readonly servers: readonly string[] | null;
  /** Whether the control API takes its tokens. */
  readonly controlApi: boolean;
}

/** From the claims of a token to who calls. */
export interface ClaimMapping {
  /** The first that fits says who it is. */
  readonly callers: readonly CallerRule[];
  /** Whom no entry of `callers` fits is a person; null: is nobody. */
  readonly people: PeopleClaims | null;
}

export interface CallerRule {
  /** Claims, by name or path, and what they must be; `*` stands for any text. */
  readonly claims: Readonly<Record<string, string>>;
  readonly kind: 'user' | 'service_account' | 'agent';
  readonly id: string;
}

/** Where a token says who a person is, by name or path, and what becomes of them. */
export interface PeopleClaims extends ProvisionRules {
  readonly subject: string;
  readonly email: string;
  /** Whether the address counts without `email_verified: true`. */
  readonly isEmailTrusted: boolean;
  readonly name: string;
  /** Claims with groups and roles in them: the mapping is about the values of all. */
  readonly groups: readonly string[];
}
