/**
 * identity: who somebody is, as an identity provider says it: what is verified of tokens and of answers that others have signed. Imports `kernel/`
 * only. Promises: nothing comes out of this room that was not checked against what the configuration says of its provider; only the supervisor loads it,
 * and only where it is configured.
 */
import type { OrganizationId } from '../kernel/id.ts';

/** Somebody whom a provider has vouched for, checked; who of the directory that is, `control/sign-in/settle-identity.ts` says. */
export interface VerifiedIdentity {
  /** Name of the provider, or issuer of tokens, in the configuration. */
  readonly providerId: string;
  readonly organizationId: OrganizationId;
  /** As the provider writes itself: with `subject` what tells one person from every other, for ever. */
  readonly issuer: string;
  readonly subject: string;
  /** Null: the provider names none. */
  readonly email: string | null;
  /** Whether the provider says that the address is theirs. */
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly groups: readonly string[];
  /** All that was said, for the eyes of whoever configures it. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What the configuration makes of the people of a provider. */
export interface ProvisionRules {
  /** What becomes of somebody whom the directory does not know: they are refused, or made a user. */
  readonly provision: 'required' | 'just_in_time';
  /** Whether a user who is there already is taken to be whoever first comes with their address, verified. */
  readonly linkByEmail: boolean;
  /** Domains of addresses that the provider is believed; null: of any. */
  readonly domains: readonly string[] | null;
  /** Groups of which one is needed; null: none is. */
  readonly allowedGroups: readonly string[] | null;
  /** Of whoever is made a user. */
  readonly firstRoleIds: readonly string[];
  readonly mapping: readonly GroupMapping[];
}

/** What somebody in a group is given, and loses with the group. */
export interface GroupMapping {
  /** As the provider names it, letter for letter. */
  readonly group: string;
  readonly teamIds: readonly string[];
  readonly roleIds: readonly string[];
}
