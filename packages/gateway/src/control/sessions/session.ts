/**
 * Sessions of people, server-side: `session_` and 43 base62 characters, of which shared state knows only the hash. Eight
 * hours since the last use, a day in all. A session that a key opened ends with that key, one of a user with the user.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { defaultOrganizationId, randomBase62, type OrganizationId } from '../../kernel/id.ts';

// What was stored before there were others is of the one that there was.
const organizationSchema = z
  .string()
  .default(defaultOrganizationId)
  .transform((id) => id as OrganizationId);

/** Who made the link that a session is opened with, or the user who signed in; of a key or a user also where it is at home. */
const openerSchema = z.object({ kind: z.enum(['operator', 'key', 'session', 'user', 'system']), id: z.string(), organizationId: organizationSchema });

/** A one-time link: the session is of the organization that the link was made for. */
export const linkRecordSchema = openerSchema.extend({ forOrganizationId: organizationSchema });
export type LinkRecord = z.infer<typeof linkRecordSchema>;

export const sessionRecordSchema = z.object({
  id: z.string(),
  organizationId: organizationSchema,
  /** Of an administrator; what a user may do is asked of the directory each time. */
  actions: z.array(z.string()).nullable(),
  servers: z.array(z.string()).nullable(),
  openedBy: openerSchema,
  /** Null: it is an administrator's. */
  user: z.object({ id: z.string(), pseudonym: z.string(), provider: z.string() }).nullable().default(null),
  peer: z.string().default(''),
  userAgent: z.string().default(''),
  createdAtMs: z.number(),
  /** To the minute; 0: not used yet. */
  seenAtMs: z.number().default(0),
});

export type SessionRecord = z.infer<typeof sessionRecordSchema>;

/** The session that somebody acts by. */
export interface SessionPlace {
  readonly id: string;
  /** Where shared state holds it. */
  readonly key: string;
  /** Whose it is: all that have one holder are listed and ended together. */
  readonly holder: string;
}

/** The longest that a session lives, however much it is used. */
export const sessionMaxMs = bounds.sessionMsMax;
export const sessionMs = bounds.sessionMs;

const tokenForm = /^session_[0-9A-Za-z]{43}$/;
const linkForm = /^[0-9A-Za-z]{43}$/;

export function newSessionToken(): string {
  return `session_${randomBase62(43)}`;
}

/** 43 base62 characters: 256 bits. */
export function newLinkToken(): string {
  return randomBase62(43);
}

/** Where shared state holds the session of a token, or null where the text is no token. */
export function sessionKey(token: string): string | null {
  return tokenForm.test(token) ? `session:${digest(token)}` : null;
}

/** Where shared state holds the link of a token, or null where the text is no token. */
export function linkKey(token: string): string | null {
  return linkForm.test(token) ? `admin-link:${digest(token)}` : null;
}

/** Whose a session is. */
export function holderOf({ user, openedBy }: Pick<SessionRecord, 'user' | 'openedBy'>): string {
  return user === null ? `${openedBy.kind}:${openedBy.id}` : userHolder(user.id);
}

export function userHolder(userId: string): string {
  return `user:${userId}`;
}

/** Where shared state lists the sessions of a holder. */
export function holderKey(organizationId: OrganizationId, holder: string): string {
  return `sessions-of:${organizationId}:${digest(holder)}`;
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
