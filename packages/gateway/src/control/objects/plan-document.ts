import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../config/config.ts';
import type { Desired } from '../../config/read-desired.ts';
import { objectKey, objectRows, type ConfigObject, type ObjectKind } from '../../kernel/config-object.ts';
import { Fault } from '../../kernel/fault.ts';
import { writePolicy, type PolicyData } from '../../kernel/policy.ts';
import { samePrices, type PriceList } from '../../kernel/price-list.ts';
import type { ConfigObjectRecord, PolicyRecord, PriceVersion } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { requireWhole } from '../policies/put-policy.ts';
import { requireWholeList } from '../prices/change-prices.ts';
import { compareLists } from '../prices/price-effect.ts';
import { requireName } from './put-object.ts';
import { requireServes } from './require-serves.ts';

/** What the registry has of all that a document can say. */
export interface RegistryBase {
  readonly revision: number;
  readonly records: readonly ConfigObjectRecord[];
  readonly accessRevision: number;
  readonly policies: readonly PolicyRecord[];
  /** The list that holds, and the newest version. */
  readonly prices: PriceVersion | null;
  readonly newestPrices: number;
}

export type PlannedKind = ObjectKind | 'policy' | 'prices';

export interface PlannedChange {
  readonly kind: PlannedKind;
  readonly name: string;
  /** `fixed`: the file of the gateway says otherwise, and is to be changed itself. */
  readonly action: 'add' | 'change' | 'remove' | 'fixed';
  /** Members that differ. */
  readonly settings: readonly string[];
  /** Of what is fixed. */
  readonly file: string | null;
  readonly line: number | null;
}

/** A document against what there is. */
export interface DocumentPlan {
  /** Names what the plan stands on: it can be applied as long as nothing of it has moved. */
  readonly base: string;
  readonly changes: readonly PlannedChange[];
  readonly desired: Desired;
  /** What would be there. */
  readonly objects: readonly ConfigObject[];
  readonly policies: readonly PolicyData[] | null;
  readonly prices: PriceList | null;
  readonly config: Config;
}

export function baseOf({ revision, accessRevision, newestPrices }: Pick<RegistryBase, 'revision' | 'accessRevision' | 'newestPrices'>): string {
  return `${revision}.${accessRevision}.${newestPrices}`;
}

/** Faults: `unavailable`. */
export async function readBase({ registry, organizationId, clock }: ControlContext): Promise<RegistryBase> {
  // Revisions first: what is written meanwhile makes the base an older one, which is refused.
  const revision = await registry.configObjects.revision(organizationId);
  const { rules } = await registry.access.revision(organizationId);
  const newest = await registry.prices.newest(organizationId);
  return {
    revision,
    accessRevision: rules,
    newestPrices: newest?.number ?? 0,
    records: await registry.configObjects.list(organizationId),
    policies: await registry.access.policies(organizationId),
    prices: await registry.prices.inForce(organizationId, clock.nowMs(), null),
  };
}

/** Faults: `config_invalid`, `config_conflict`, `restart_needed`, `invalid_params`. */
export function planDocument(context: ControlContext, document: string, base: RegistryBase): DocumentPlan {
  const desired = context.objects.desired(document);
  const { changes: objectChanges, objects } = planObjects(context, desired, base);
  const config = requireServes(
    context,
    objects,
    objectChanges.filter(({ action }) => action === 'add' || action === 'change'),
  );
  const policyChanges = planPolicies(context, desired, base);
  const pricesChange = planPrices(context, desired, base);
  for (const rule of desired.policies ?? []) requireWhole({ config, organizationId: context.organizationId }, rule);
  if (desired.prices !== null)
    requireWholeList(
      desired.prices,
      config.servers.map(({ name }) => name),
    );
  return {
    base: baseOf(base),
    changes: [...objectChanges, ...policyChanges, ...pricesChange],
    desired,
    objects,
    policies: policyChanges.some(({ action }) => action !== 'fixed') ? desired.policies : null,
    prices: pricesChange.some(({ action }) => action !== 'fixed') ? desired.prices : null,
    config,
  };
}

interface ObjectChange extends PlannedChange {
  readonly kind: ObjectKind;
}

function planObjects(
  { objects: desk, config }: ControlContext,
  desired: Desired,
  { records }: RegistryBase,
): { readonly changes: readonly ObjectChange[]; readonly objects: readonly ConfigObject[] } {
  const fixed = new Map(desk.fixed().map((one) => [objectKey(one), one]));
  const kept = new Map(records.map((one) => [objectKey(one), one]));
  const changes: ObjectChange[] = [];
  const objects: ConfigObject[] = records.filter(({ kind }) => !desired.kinds.includes(kind));
  for (const object of desired.objects) {
    const { kind, name } = object;
    const ofFile = fixed.get(objectKey(object));
    const before = ofFile ?? kept.get(objectKey(object));
    const settings = before === undefined ? Object.keys(object.spec) : differing(before.spec, object.spec);
    const one = { kind, name, settings, file: null, line: null };
    if (ofFile !== undefined) {
      // One that was made before the file had the name rests; it is as if it were not there.
      if (settings.length > 0) changes.push({ ...one, action: 'fixed', file: config.file, line: ofFile.line });
      continue;
    }
    requireName(object);
    objects.push(object);
    if (before === undefined) changes.push({ ...one, action: 'add' });
    else if (settings.length > 0) changes.push({ ...one, action: 'change' });
  }
  const wanted = new Set(desired.objects.map(objectKey));
  for (const record of records) {
    if (!desired.kinds.includes(record.kind) || (wanted.has(objectKey(record)) && !fixed.has(objectKey(record)))) continue;
    changes.push({ kind: record.kind, name: record.name, action: 'remove', settings: [], file: null, line: null });
  }
  return { changes, objects };
}

function planPolicies({ config }: ControlContext, { policies }: Desired, base: RegistryBase): readonly PlannedChange[] {
  if (policies === null) return [];
  const isFixed = config.policies !== null;
  const before = new Map((config.policies ?? base.policies.map(({ data }) => data)).map((data) => [data.name, data]));
  const after = new Map(policies.map((data) => [data.name, data]));
  if (after.size < policies.length) throw new Fault('invalid_params', { reason: 'two policies of the document have one name' });
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): PlannedChange[] => {
    const [was, is] = [before.get(name), after.get(name)];
    const settings = differing(was === undefined ? {} : { ...writePolicy(was) }, is === undefined ? {} : { ...writePolicy(is) });
    if (was !== undefined && is !== undefined && settings.length === 0) return [];
    const action = isFixed ? 'fixed' : was === undefined ? 'add' : is === undefined ? 'remove' : 'change';
    return [{ kind: 'policy', name, action, settings: was === undefined || is === undefined ? [] : settings, file: isFixed ? config.file : null, line: null }];
  });
}

function planPrices({ config }: ControlContext, { prices }: Desired, base: RegistryBase): readonly PlannedChange[] {
  if (prices === null) return [];
  const isFixed = config.pricing !== null;
  const before = config.pricing ?? base.prices?.list ?? null;
  if (before !== null && samePrices(before, prices)) return [];
  const changed =
    before === null ? [] : compareLists(before, prices).map(({ server, tool, price }) => [server ?? 'default', tool, price].filter(Boolean).join('.'));
  return [
    {
      kind: 'prices',
      name: 'prices',
      action: isFixed ? 'fixed' : before === null ? 'add' : 'change',
      settings: changed,
      file: isFixed ? config.file : null,
      line: null,
    },
  ];
}

function differing(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((member) => !isDeepStrictEqual(before[member], after[member]));
}

/** What is said of a kind in words. */
export function plannedTitle(kind: PlannedKind): string {
  return kind === 'policy' || kind === 'prices' ? kind : objectRows[kind].title;
}
