/**
 * Sessions of people, server-side: `session_` and 43 base62 characters, of which shared state knows only the hash. Eight
 * hours since the last use, a day in all. A session that a key opened ends with that key.
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

/** Who made the link that a session is opened with; of a key also where it is at home. */
const openerSchema = z.object({ kind: z.enum(['operator', 'key', 'session', 'system']), id: z.string(), organizationId: organizationSchema });

/** A one-time link: the session is of the organization that the link was made for. */
export const linkRecordSchema = openerSchema.extend({ forOrganizationId: organizationSchema });
export type LinkRecord = z.infer<typeof linkRecordSchema>;

export const sessionRecordSchema = z.object({
  id: z.string(),
  organizationId: organizationSchema,
  actions: z.array(z.string()).nullable(),
  servers: z.array(z.string()).nullable(),
  openedBy: openerSchema,
  createdAtMs: z.number(),
});

export type SessionRecord = z.infer<typeof sessionRecordSchema>;

/** The longest that a session lives, however much it is used. */
export const sessionMaxMs = 24 * 3_600_000;
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

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
