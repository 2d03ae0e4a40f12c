/** What a person is asked, and what follows from the answer. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { newGrantId, randomBase62, type OrganizationId } from '../../kernel/id.ts';
import type { GrantRecord } from '../../store/registry/oauth-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { Actor, ControlContext } from '../context.ts';
import type { AuthorizationRequest } from './authorize.ts';
import { OauthRefusal } from './oauth-refusal.ts';

const recordSchema = z.object({
  askedOf: z.string(),
  clientId: z.string(),
  clientName: z.string(),
  redirectUri: z.string(),
  state: z.string().nullable(),
  scopes: z.array(z.string()),
  resource: z.string(),
  codeChallenge: z.string(),
});
type ConsentRecord = z.infer<typeof recordSchema>;

export const codeRecordSchema = z.object({
  organizationId: z.string().transform((id) => id as OrganizationId),
  grantId: z.string(),
  clientId: z.string(),
  redirectUri: z.string(),
  codeChallenge: z.string(),
  resource: z.string(),
});

/** Where shared state holds what belongs to a token, or null where the text is none. */
export function stateKey(kind: 'consent' | 'code' | 'code-grant', token: string): string | null {
  return tokenForm.test(token) ? `oauth-${kind}:${createHash('sha256').update(token).digest('base64url')}` : null;
}

const tokenForm = /^[0-9A-Za-z]{43}$/;

/** The token of a page that asks this actor, and nobody else, once. Faults: `unavailable`. */
export async function askConsent(
  { state, publicUrl }: Pick<ControlContext, 'state' | 'publicUrl'>,
  actor: Actor,
  { client, redirectUri, state: clientState, scopes, resource, codeChallenge }: AuthorizationRequest,
): Promise<string> {
  const token = randomBase62(43);
  const record: ConsentRecord = {
    askedOf: askedOf(actor),
    clientId: client.id,
    clientName: client.name,
    redirectUri,
    state: clientState,
    scopes: [...scopes],
    resource: `${publicUrl()}${resource.path}`,
    codeChallenge,
  };
  await put(state, 'consent', token, record, bounds.consentMs);
  return token;
}

/** Where the browser goes with the answer. */
export interface ConsentAnswer {
  readonly redirectUri: string;
  readonly state: string | null;
  readonly answer: { readonly code: string } | { readonly refusal: OauthRefusal };
}

/**
 * The person has decided. Allowed: a grant, and a code that is good for a minute. Null where the page is another's, too old or was answered already. Faults:
 * `unavailable`.
 */
export async function answerConsent(context: ControlContext, token: string, isAllowed: boolean): Promise<ConsentAnswer | null> {
  const { state } = context;
  const key = stateKey('consent', token);
  const stored = key === null ? null : await state.get(key);
  if (key === null || stored === null) return null;
  const record = recordSchema.parse(JSON.parse(stored.toString()));
  // A page that somebody else was shown stays theirs.
  if (record.askedOf !== askedOf(context.actor) || (await state.take(key)) === null) return null;
  const { redirectUri, state: clientState } = record;
  const answered = (answer: ConsentAnswer['answer']): ConsentAnswer => ({ redirectUri, state: clientState, answer });
  if (isAllowed) {
    const code = await makeGrant(context, record);
    return answered(code === null ? { refusal: new OauthRefusal('access_denied', 'this person has allowed too many clients: revoke some first') } : { code });
  }
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'grant.denied', record.clientId.slice(0, 200), detailOf(record))));
  return answered({ refusal: new OauthRefusal('access_denied', 'the person did not allow it') });
}

/** The session that the page was shown in. */
function askedOf({ session, id }: Actor): string {
  return session?.id ?? id;
}

/** The code, or null where there are too many grants. */
async function makeGrant(context: ControlContext, record: ConsentRecord): Promise<string | null> {
  const { actor, organizationId, registry, clock, expiryClock, state } = context;
  const nowMs = clock.nowMs();
  const grant: GrantRecord = {
    organizationId,
    id: newGrantId(),
    userId: actor.owner?.kind === 'user' ? actor.owner.id : null,
    grantedBy: actor.id,
    sessionKey: actor.owner === null ? (actor.session?.key ?? null) : null,
    clientId: record.clientId,
    clientName: record.clientName,
    redirectUri: record.redirectUri,
    resource: record.resource,
    scopes: record.scopes,
    createdAtMs: nowMs,
    expiresAtMs: expiryClock.nowMs() + bounds.oauthCodeMs,
    usedAtMs: null,
    revoked: null,
  };
  const isMade = await registry.transaction(async ({ grants, oauthClients, audit }) => {
    await grants.deleteOver(organizationId, nowMs - bounds.grantKeptMs);
    if ((await grants.countOfUser(organizationId, grant.userId, nowMs)) >= bounds.grantsOfUserMax) return false;
    await grants.insert(grant);
    await oauthClients.updateUsed(grant.clientId, nowMs);
    await audit.insert(auditEvent(context, 'grant.created', grant.id, detailOf(record)));
    return true;
  });
  if (!isMade) return null;
  context.log.info('grant.created', { grant: grant.id, actor: actor.id });
  const code = randomBase62(43);
  const { clientId, redirectUri, codeChallenge, resource } = record;
  // Longer than the code is good: a code that comes again tells on whoever has it.
  await put(state, 'code-grant', code, { organizationId, grantId: grant.id }, bounds.oauthCodeKnownMs);
  await put(state, 'code', code, { organizationId, grantId: grant.id, clientId, redirectUri, codeChallenge, resource }, bounds.oauthCodeMs);
  return code;
}

function detailOf({ clientId, clientName, redirectUri, resource, scopes }: ConsentRecord): Record<string, unknown> {
  return { client_id: clientId, client_name: clientName, redirect_uri: redirectUri, resource, scopes };
}

async function put(state: ControlContext['state'], kind: Parameters<typeof stateKey>[0], token: string, value: object, ttlMs: number): Promise<void> {
  const key = stateKey(kind, token);
  if (key === null) throw new TypeError('a new token has the wrong form');
  await state.set(key, Buffer.from(JSON.stringify(value)), ttlMs);
}
