import type { ChainedRecord } from '../../chain/audit-record.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { exactly } from '../../query/query.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { PlacedPayload } from '../../store/ledger/payloads.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { AuditPlace } from '../../store/registry/audit-store.ts';
import type { IdentityLink } from '../../store/registry/identity-store.ts';
import type { GrantRecord } from '../../store/registry/oauth-store.ts';
import type { KeyRecord } from '../../store/registry/registry-store.ts';
import type { SavedViewRecord } from '../../store/registry/saved-view-store.ts';
import type { ScimGroupName, ScimUserRecord } from '../../store/registry/scim-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import { revealPeople } from '../audit/reveal-people.ts';
import type { ControlContext } from '../context.ts';
import { getKey, type KeyWithUsage } from '../keys/get-key.ts';

import { listGrants, type GrantPage } from '../oauth/list-grants.ts';
import { listUserSessions, type SessionView } from '../sessions/list-sessions.ts';
import { requireLedger } from '../require-ledger.ts';

/** One thing that is held about a person. */
export type HeldItem =
  | { readonly type: 'person'; readonly userId: string; readonly pseudonym: string }
  | { readonly type: 'user'; readonly entry: EntryRecord }
  | { readonly type: 'key'; readonly key: KeyWithUsage }
  | { readonly type: 'identity'; readonly link: IdentityLink }
  | { readonly type: 'provisioned'; readonly user: ScimUserRecord; readonly groups: readonly ScimGroupName[] }
  | { readonly type: 'session'; readonly session: SessionView }
  | { readonly type: 'view'; readonly view: SavedViewRecord }
  | { readonly type: 'grant'; readonly grant: GrantRecord }
  | { readonly type: 'audit_event'; readonly event: ChainedRecord }
  | { readonly type: 'call'; readonly call: CallRow }
  | { readonly type: 'body'; readonly body: PlacedPayload };

/**
 * All that is held about a person: their keys, how they sign in, what their provider has sent, what they have allowed MCP clients, the views that they saved, the events of the audit that they did or that concern these keys, their calls, and the bodies of
 * those, masked as they are stored. That it was taken is recorded first. Faults: `unknown_person`, `unavailable`.
 */
export async function exportPerson(context: ControlContext, userId: string): Promise<AsyncIterable<HeldItem>> {
  const { registry, organizationId } = context;
  requireLedger(context);
  const keys = await registry.keys.listOfUser(organizationId, userId);
  const entry = await registry.directory.find(organizationId, { kind: 'user', id: userId });
  if (keys.length === 0 && entry === null && (await registry.people.find(organizationId, userId)) === null)
    throw new Fault('unknown_person', { name: userId.slice(0, 100) });
  const { pseudonym } = await registry.transaction(async ({ people, audit }) => {
    const person = await people.take(organizationId, userId);
    await audit.insert(auditEvent(context, 'person.exported', person.pseudonym, {}));
    return person;
  });
  return held(context, { userId, pseudonym, entry, keys });
}

interface Person {
  readonly userId: string;
  readonly pseudonym: string;
  /** Null: they are not in the directory. */
  readonly entry: EntryRecord | null;
  readonly keys: readonly KeyRecord[];
}

async function* held(context: ControlContext, { userId, pseudonym, entry, keys }: Person): AsyncGenerator<HeldItem> {
  yield { type: 'person', userId, pseudonym };
  if (entry !== null) yield { type: 'user', entry };
  for (const { id } of keys) yield { type: 'key', key: await getKey(context, id) };
  for (const link of await context.registry.identities.listOfUser(context.organizationId, userId)) yield { type: 'identity', link };
  const sent = await context.registry.scim.findUser(context.organizationId, userId);
  if (sent !== null)
    yield { type: 'provisioned', user: sent, groups: (await context.registry.scim.groupsOf(context.organizationId, [userId])).get(userId) ?? [] };
  if (entry !== null) for (const session of await listUserSessions(context, userId)) yield { type: 'session', session };
  for (const view of await context.registry.savedViews.list(context.organizationId, { owner: { kind: 'user', id: userId }, sharedWith: [] }))
    yield { type: 'view', view };
  for await (const grant of grantsOf(context, userId)) yield { type: 'grant', grant };
  for await (const event of eventsOf(context, pseudonym, keys)) yield { type: 'audit_event', event };
  for await (const call of callsOf(context, userId)) yield { type: 'call', call };
  for await (const body of bodiesOf(context, keys, pseudonym)) yield { type: 'body', body };
}

async function* grantsOf(context: ControlContext, userId: string): AsyncGenerator<GrantRecord> {
  for (let cursor: string | null = null; ;) {
    const page: GrantPage = await listGrants(context, { userId, cursor, limit: bounds.grantsListMax });
    yield* page.grants;
    if (page.cursor === null) return;
    ({ cursor } = page);
  }
}

async function* eventsOf(context: ControlContext, pseudonym: string, keys: readonly KeyRecord[]): AsyncGenerator<ChainedRecord> {
  const any = { fromMs: null, toMs: null, actorKind: null, actorId: null, actions: null, objectKind: null, objectId: null, result: null, text: null };
  const seen = new Set<string>();
  const ids = [pseudonym, ...keys.map(({ id }) => id)];
  for (const filter of ids.flatMap((id) => [
    { ...any, objectId: id },
    { ...any, actorId: id },
    // Sign-ins of several callers name them in their detail.
    { ...any, text: id },
  ])) {
    for (let after: AuditPlace | null = null; ;) {
      const page = await context.registry.audit.list(context.organizationId, { ...filter, withoutSystem: false, after, limit: bounds.auditPageRecords });
      const fresh = page.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) seen.add(id);
      yield* await revealPeople(context, fresh);
      after = page.at(-1) ?? null;
      if (page.length < bounds.auditPageRecords) break;
    }
  }
}

async function* callsOf(context: ControlContext, userId: string): AsyncGenerator<CallRow> {
  const ledger = requireLedger(context);
  const selection = {
    organizationId: context.organizationId,
    startUs: 0n,
    endUs: endOfTimeUs,
    query: { terms: [exactly('user', userId)] },
    whole: null,
  };
  for (let after: Parameters<typeof ledger.listCalls>[0]['after'] = null; ;) {
    const page: readonly CallRow[] = await ledger.listCalls({ ...selection, after, limit: bounds.exportPageRows });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < bounds.exportPageRows) return;
    after = { startUs: last.start_us, traceHex: last.trace_hex, spanHex: last.span_hex };
  }
}

const endOfTimeUs = BigInt(Date.UTC(2200, 0, 1)) * 1000n;
const bodiesAtOnce = 50;

async function* bodiesOf(context: ControlContext, keys: readonly KeyRecord[], pseudonym: string): AsyncGenerator<PlacedPayload> {
  const ledger = requireLedger(context);
  // Of what they called without a key.
  const keyIds = [pseudonym, ...keys.map(({ id }) => id)];
  for (let after: Parameters<typeof ledger.listPayloadsOfKeys>[0]['after'] = null; ;) {
    const page = await ledger.listPayloadsOfKeys({ organizationId: context.organizationId, keyIds, after, limit: bodiesAtOnce });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < bodiesAtOnce) return;
    after = { startUs: last.start_us, traceHex: last.trace_hex, spanHex: last.span_hex, kind: last.kind };
  }
}
