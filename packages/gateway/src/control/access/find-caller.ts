/** Callers as the registry has them now, for whoever asks what rules say of them. */
import { entryIdPattern, foldText, nouns, type NounKind, type Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import { credentialTypes } from '../../kernel/route-auth.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { CallGroup } from '../../store/ledger/call-groups.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { ControlContext } from '../context.ts';
import { readCaller } from '../keys/read-caller.ts';
import { principalOf } from '../keys/verify-key.ts';
import { principalOfGrant } from '../oauth/verify-access-token.ts';
import { principalOfEntry } from '../sign-in/principal-of-entry.ts';
import { userOfDirectory } from '../sign-in/read-user.ts';
import { unknownObject } from '../unknown-object.ts';

/** Somebody who could call. */
export interface FoundCaller {
  readonly principal: PrincipalData;
  /** What it shows allows so much, before the roles of its owner; null: every operation. */
  readonly held: readonly string[] | null;
  /** Why it is let in, or is not. */
  readonly auth: { readonly isGood: boolean; readonly reason: string };
}

/** What a call is recorded by. */
type Recorded = Pick<CallGroup, 'key_id' | 'token' | 'user_id' | 'agent'>;

/** Kinds of the directory that call, with a key or without. */
const callers = ['user', 'service_account', 'agent'] as const satisfies readonly NounKind[];

/**
 * Whoever a text names: a key by its id; a user by their e-mail address; a user, service account or agent by its id, with its kind before it
 * (`agent:ci`) where several have it: who asks may see the directory then. Faults: `unknown_object`, `invalid_params`, `forbidden`, `unavailable`.
 */
export async function findCaller(context: ControlContext, text: string): Promise<FoundCaller> {
  const { registry, organizationId, config, clock } = context;
  const key = await registry.keys.find(organizationId, text);
  if (key !== null) {
    const caller = await readCaller(context, key);
    const trouble =
      key.revokedAtMs !== null ? 'the key is revoked' : key.expiresAtMs !== null && clock.nowMs() >= key.expiresAtMs ? 'the key has expired' : null;
    return {
      principal: principalOf(key, caller, null, config.rateLimits),
      held: caller.held,
      auth: { isGood: trouble === null, reason: trouble ?? `the key ${key.name} is good` },
    };
  }
  if (text.startsWith('key_')) throw unknownObject('key', text);
  const entry = await findEntry(context, text);
  const { kind, id } = entry;
  return {
    principal: await principalOfEntry(context, organizationId, entry, { ...nothingShown, keyId: await recordedAs(context, entry) }),
    held: null,
    auth: { isGood: true, reason: `the directory has ${kind === 'agent' ? 'an' : 'a'} ${nouns[kind].title} ${id}` },
  };
}

const nothingShown = { credential: 'none', credentialId: '', issuer: '', keyPrefix: '', servers: null, actions: null, expiresAtMs: null } as const;

async function findEntry({ registry, organizationId, actor }: ControlContext, text: string): Promise<EntryRecord> {
  // Who may not see the directory learns nothing of it here either.
  if (!actor.can('people.read')) throw new Fault('forbidden', { reason: 'its actions do not include people.read' });
  const found = async (kind: NounKind, id: string): Promise<EntryRecord | null> =>
    entryIdPattern.test(id) ? registry.directory.find(organizationId, { kind, id }) : null;
  const named = callers.find((kind) => text.startsWith(`${kind}:`));
  if (named !== undefined) {
    const id = text.slice(named.length + 1);
    const entry = await found(named, id);
    if (entry === null) throw unknownObject(named, id);
    return entry;
  }
  const byEmail = text.includes('@') ? await registry.directory.findByHandle(organizationId, 'user', foldText(text)) : null;
  if (byEmail !== null) return byEmail;
  const entries: EntryRecord[] = [];
  for (const kind of callers) {
    const entry = await found(kind, text);
    if (entry !== null) entries.push(entry);
  }
  if (entries.length > 1)
    throw new Fault('invalid_params', {
      reason: `several callers have the id ${entries[0]?.id ?? ''}: say ${entries.map(({ kind, id }) => `${kind}:${id}`).join(' or ')}`,
    });
  const [entry] = entries;
  if (entry === undefined) throw unknownObject('user', text);
  return entry;
}

/** What records find its calls by; empty: a person who has no calls. */
async function recordedAs({ registry, organizationId }: ControlContext, { kind, id }: Reference): Promise<string> {
  return kind === 'user' ? ((await registry.people.find(organizationId, id))?.pseudonym ?? '') : id;
}

/**
 * Who made recorded calls, each looked up once: null where it was nobody, undefined where whoever it was is not there any more. Who called by token or
 * certificate is judged within what its issuer, its authority or its grant allows, as far as those are still known. Faults: `unavailable`.
 */
export function callersOfCalls(context: ControlContext): (call: Recorded) => Promise<PrincipalData | null | undefined> {
  const known = new Map<string, PrincipalData | null | undefined>([[' ', null]]);
  return async (call) => {
    const place = `${call.key_id} ${call.token}`;
    if (!known.has(place)) known.set(place, await (call.token === '' ? callerByKey(context, call.key_id) : callerByToken(context, call)));
    return known.get(place);
  };
}

async function callerByKey(context: ControlContext, keyId: string): Promise<PrincipalData | undefined> {
  const key = await context.registry.keys.find(context.organizationId, keyId);
  return key === null ? undefined : principalOf(key, await readCaller(context, key), null, context.config.rateLimits);
}

async function callerByToken(context: ControlContext, { key_id: keyId, token, user_id: userId, agent }: Recorded): Promise<PrincipalData | undefined> {
  const { registry, organizationId, config } = context;
  const by = token.slice(token.indexOf(':') + 1);
  const grant = token.startsWith('oauth:') ? await registry.grants.find(organizationId, by) : null;
  if (grant !== null) {
    const user = grant.userId === null ? null : await userOfDirectory(context, organizationId, grant.userId);
    return grant.userId !== null && user === null ? undefined : principalOfGrant(context, grant, grant, user, keyId);
  }
  const reference: Reference =
    userId !== '' ? { kind: 'user', id: userId } : agent !== '' ? { kind: 'agent', id: agent } : { kind: 'service_account', id: keyId };
  const entry = await registry.directory.find(organizationId, reference);
  if (entry === null) return undefined;
  const credential = credentialTypes.find((type) => token.startsWith(`${type}:`)) ?? 'oauth';
  const { issuers, certificates } = config.identity;
  const vouching = credential === 'jwt' ? issuers : credential === 'mtls' ? certificates.authorities : [];
  const issuer = vouching.find((one) => one.name === by && one.organizationId === organizationId);
  return principalOfEntry(context, organizationId, entry, {
    credential,
    credentialId: '',
    issuer: issuer?.name ?? '',
    keyId,
    keyPrefix: token,
    servers: issuer?.servers ?? null,
    actions: issuer?.actions ?? null,
    expiresAtMs: null,
  });
}
