import { callsErased, ErasedEntries } from '../../chain/erased-entries.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { AuditPlace } from '../../store/registry/audit-store.ts';
import type { ErasureRecord, KeyRecord } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { endSessionsOfUser } from '../sessions/end-session.ts';

/** What of a key's metadata says nothing of a person. */
const keptMetadata: ReadonlySet<string> = new Set(['team_id', 'project_id', 'project', 'environment']);

/**
 * Erases a person: their keys end and lose their names, the key that the audit seals with is destroyed, and what the ledger has of them goes
 * under a pseudonym that nobody can resolve; bodies are deleted. When this resolves the registry has forgotten them; the ledger follows
 * (`finishErasures`), and does so after a restart too. Faults: `unknown_person`, `unavailable`.
 */
export async function erasePerson(context: ControlContext, userId: string): Promise<ErasureRecord> {
  const { registry, organizationId, clock, log } = context;
  const nowMs = clock.nowMs();
  const person: Reference = { kind: 'user', id: userId };
  const [known, keys, entry] = await Promise.all([
    registry.people.find(organizationId, userId),
    registry.keys.listOfUser(organizationId, userId),
    registry.directory.find(organizationId, person),
  ]);
  if (known === null && keys.length === 0 && entry === null) throw new Fault('unknown_person', { name: userId.slice(0, 100) });
  let grantIds: readonly string[] = [];
  const erasure = await registry.transaction(async (writes) => {
    await writes.access.touchKeysOf(organizationId, [person]);
    const { pseudonym } = await writes.people.take(organizationId, userId);
    for (const { id } of keys) {
      const key = await writes.keys.findForUpdate(organizationId, id);
      if (key === null) continue;
      if (key.revokedAtMs === null) await writes.keys.updateRevoked(organizationId, id, nowMs);
      await writes.keys.updateDescription(organizationId, id, { name: 'erased', metadata: strangers(key, pseudonym) });
    }
    // Whoever is tied to them, as the agents that they answer for, is tied to nobody.
    await writes.directory.untie(organizationId, person);
    await writes.directory.delete(organizationId, person);
    await writes.scim.deleteRefusalsOf(organizationId, userId);
    await writes.invitations.deleteOf(organizationId, { userId });
    await writes.savedViews.leave(organizationId, { kind: 'user', id: userId });
    // Who signs in again must not be made a user again: what told them apart is a hash.
    await writes.identities.rename(organizationId, userId, pseudonym);
    grantIds = await writes.grants.deleteOfUser(organizationId, userId);
    await writes.people.delete(organizationId, userId);
    const made: ErasureRecord = { organizationId, pseudonym, keyIds: keys.map(({ id }) => id), begunAtMs: nowMs, finishedAtMs: null };
    await writes.people.insertErasure(made);
    await writes.audit.insert(auditEvent(context, 'person.erased', pseudonym, { keys: made.keyIds }));
    return made;
  });
  for (const id of [...erasure.keyIds, ...grantIds]) await context.notify.keyChanged(id);
  await endSessionsOfUser(context, userId);
  log.info('person.erased', { person: erasure.pseudonym, keys: erasure.keyIds.length, actor: context.actor.id });
  return erasure;
}

function strangers({ metadata }: KeyRecord, pseudonym: string): KeyRecord['metadata'] {
  return { ...Object.fromEntries(Object.entries(metadata).filter(([name]) => keptMetadata.has(name))), user_id: pseudonym };
}

const underWay = new WeakMap<object, Promise<void>>();

/**
 * Takes out of the ledger what is left of people who are erased: of erasures that are not finished, and of those begun within `erasureLateMs`,
 * for calls come to the ledger late. One at a time: who asks while it goes on waits for that. Faults: `unavailable`.
 */
export function finishErasures(context: ControlContext): Promise<void> {
  const before = underWay.get(context.registry) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(() => finishAll(context));
  underWay.set(context.registry, mine);
  return mine;
}

async function finishAll(context: ControlContext): Promise<void> {
  const { registry, organizationId, clock, log } = context;
  const all = await registry.people.erasures(organizationId);
  const open = all.filter(({ begunAtMs, finishedAtMs }) => finishedAtMs === null || clock.nowMs() - begunAtMs < bounds.erasureLateMs);
  if (open.length === 0) return;
  const { erasure: ledger } = requireLedger(context);
  const allowed = await erasedSoFar(context);
  for (const person of open) {
    for (const day of await ledger.days(person)) {
      for await (const page of ledger.entries(person, day)) {
        // What is not as it was written stays to be found: an erasure covers nothing up.
        const good = page.filter(({ entry, before }) => before === entry.rowsHash || allowed.allows(entry, before));
        if (good.length < page.length) log.error('privacy.calls_changed', { person: person.pseudonym, day, entries: page.length - good.length });
        if (good.length === 0) continue;
        const event = auditEvent(context, callsErased, person.pseudonym, {
          day,
          entries: good.map(({ entry, after }) => [entry.chain, entry.entry, after]),
        });
        // Before it happens: an erasure that is cut short is not taken for a forgery.
        await registry.transaction(({ audit }) => audit.insert(event));
        allowed.note(event);
      }
      await ledger.eraseDay(person, day);
    }
    await ledger.eraseCosts(person);
    if (person.finishedAtMs === null) {
      await registry.transaction(({ people }) => people.updateErasure(organizationId, person.pseudonym, clock.nowMs()));
      log.info('person.erasure_finished', { person: person.pseudonym });
    }
  }
}

async function erasedSoFar({ registry, organizationId }: ControlContext): Promise<ErasedEntries> {
  const entries = new ErasedEntries();
  const filter = {
    fromMs: null,
    toMs: null,
    actorKind: null,
    actorId: null,
    actions: [callsErased],
    objectKind: null,
    objectId: null,
    result: null,
    text: null,
    withoutSystem: false,
  };
  for (let after: AuditPlace | null = null; ;) {
    const page = await registry.audit.list(organizationId, { ...filter, after, limit: bounds.auditPageRecords });
    for (const event of page) entries.note(event);
    after = page.at(-1) ?? null;
    if (page.length < bounds.auditPageRecords) return entries;
  }
}
