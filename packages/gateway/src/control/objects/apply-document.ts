import { bounds } from '../../kernel/bounds.ts';
import { objectKey } from '../../kernel/config-object.ts';
import { Fault } from '../../kernel/fault.ts';
import { writePrices, type PriceList } from '../../kernel/price-list.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import type { ConfigObjectRecord, PolicyRecord, RegistryWrites } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { detailOf } from '../policies/put-policy.ts';
import { requireReach } from './object-view.ts';
import { baseOf, planDocument, plannedTitle, readBase, type DocumentPlan, type PlannedChange } from './plan-document.ts';
import { recordAfter, writeObject } from './put-object.ts';

export interface ApplyInput {
  readonly document: string;
  /** That of the plan that was looked at. */
  readonly base: string;
}

export interface Applied {
  readonly outcome: 'applied' | 'unchanged';
  readonly plan: DocumentPlan;
}

/**
 * Makes the registry what a document says, all of it in one transaction or nothing; of what the document says nothing, all stays. When this returns, every
 * worker of this node goes by it. Faults: `precondition_failed` where anything has moved since the plan, `managed_by_file` where the file of the gateway
 * says otherwise, `forbidden` without the permission for what changes, those of `planDocument`, `unavailable`.
 */
export async function applyDocument(context: ControlContext, { document, base }: ApplyInput): Promise<Applied> {
  const { registry, organizationId } = context;
  const known = await readBase(context);
  requireBase(baseOf(known), base);
  const plan = planDocument(context, document, known);
  requireAllowed(context, plan);
  if (plan.changes.length === 0) return { outcome: 'unchanged', plan };
  await registry.transaction(async (writes) => {
    // Each waits for others under way, and says whether there were any since the plan was made.
    const revision = await writes.configObjects.begin(organizationId);
    const accessRevision = await writes.access.begin(organizationId);
    const newest = await writes.prices.lockNewest(organizationId);
    requireBase(baseOf({ revision: revision - 1, accessRevision: accessRevision - 1, newestPrices: newest?.number ?? 0 }), base);
    const records = new Map(known.records.map((record) => [objectKey(record), record]));
    for (const change of plan.changes) await write(context, writes, plan, change, { records, policies: known.policies });
    if (plan.prices !== null) await writePriceList(context, writes, plan.prices, (newest?.number ?? 0) + 1);
    await writes.audit.insert(auditEvent(context, 'config.plan_applied', base, summaryOf(plan)));
  });
  context.log.info('config.plan_applied', { base, changes: plan.changes.length, actor: context.actor.id });
  await context.objects.refresh();
  await context.access.refresh();
  await context.prices.refresh();
  return { outcome: 'applied', plan };
}

/** Faults: `precondition_failed`. */
function requireBase(now: string, expected: string): void {
  if (now !== expected) throw new Fault('precondition_failed', { version: now }, { extra: { base: now } });
}

/** Faults: `managed_by_file`, `forbidden`. */
function requireAllowed(context: ControlContext, { changes }: DocumentPlan): void {
  const { actor } = context;
  for (const { kind, name, action, file, line } of changes) {
    if (action === 'fixed')
      throw new Fault(
        'managed_by_file',
        { what: `${plannedTitle(kind)} "${name.slice(0, 100)}"`, file: `${file ?? '(none)'}${line === null ? '' : `:${line}`}`, setting: plannedTitle(kind) },
        { extra: { file, line } },
      );
    const permission = kind === 'policy' ? 'policies.write' : kind === 'prices' ? 'prices.write' : null;
    if (permission !== null && !actor.can(permission)) throw new Fault('forbidden', { reason: `its actions do not include ${permission}` });
    if (kind !== 'policy' && kind !== 'prices') requireReach(context, { kind, name });
  }
}

async function write(
  context: ControlContext,
  writes: RegistryWrites,
  plan: DocumentPlan,
  { kind, name, action }: PlannedChange,
  before: { readonly records: ReadonlyMap<string, ConfigObjectRecord>; readonly policies: readonly PolicyRecord[] },
): Promise<void> {
  const { organizationId } = context;
  if (kind === 'prices') return;
  if (kind === 'policy') {
    const was = before.policies.find(({ data }) => data.name === name) ?? null;
    const is = plan.policies?.find((data) => data.name === name) ?? null;
    return writePolicyOf(context, writes, was, is);
  }
  const was = before.records.get(objectKey({ kind, name })) ?? null;
  if (action === 'remove') {
    await writes.configObjects.delete(organizationId, { kind, name });
    await writes.audit.insert(auditEvent(context, `${kind}.deleted`, name, { version: was?.version ?? 0 }));
    return;
  }
  const object = plan.objects.find((one) => objectKey(one) === objectKey({ kind, name }));
  if (object !== undefined) await writeObject(context, writes, recordAfter(context, object, was), was);
}

async function writePolicyOf(
  context: ControlContext,
  { access, audit }: Pick<RegistryWrites, 'access' | 'audit'>,
  was: PolicyRecord | null,
  is: PolicyData | null,
): Promise<void> {
  const { organizationId, clock, actor } = context;
  if (is === null) {
    if (was === null) return;
    await access.deletePolicy(organizationId, was.data.name);
    await audit.insert(auditEvent(context, 'policy.deleted', was.data.name, { ...detailOf(was.data), version: was.version }));
    return;
  }
  const version = (was?.version ?? 0) + 1;
  await access.putPolicy(organizationId, { data: is, version, changedAtMs: clock.nowMs(), changedBy: actor.id });
  await audit.insert(auditEvent(context, `policy.${was === null ? 'created' : 'changed'}`, is.name, { ...detailOf(is), version }));
}

async function writePriceList(
  context: ControlContext,
  { prices, audit }: Pick<RegistryWrites, 'prices' | 'audit'>,
  list: PriceList,
  number: number,
): Promise<void> {
  const { organizationId, clock, actor } = context;
  const nowMs = clock.nowMs();
  await prices.insert({ organizationId, number, source: 'api', list, effectiveFromMs: nowMs, createdAtMs: nowMs, createdBy: actor.id });
  const isLong = list.overrides.length > bounds.priceChangesShownMax;
  await audit.insert(
    auditEvent(context, 'prices.changed', `prices/${number}`, {
      source: 'api',
      ...(isLong ? { currency: list.currency, overrides: list.overrides.length } : { prices: writePrices(list) }),
    }),
  );
}

function summaryOf({ changes }: DocumentPlan): Record<string, number> {
  const count = (wanted: PlannedChange['action']): number => changes.filter(({ action }) => action === wanted).length;
  return { added: count('add'), changed: count('change'), removed: count('remove') };
}
