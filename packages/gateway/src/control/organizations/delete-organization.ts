import { nouns, nounKinds } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { auditBoth } from './create-organization.ts';
import { requireVisible } from './list-organizations.ts';

export interface DeleteOrganizationInput {
  readonly id: string;
  /** The version that the caller has seen. */
  readonly expected: number;
  /** Everything in it goes with it; without this it stays as long as it has keys or anything in its directory. */
  readonly cascade: boolean;
  readonly dryRun: boolean;
}

/** What goes, or would go, with it: how many of what, by plural name. */
export type OrganizationContents = Readonly<Record<string, number>>;

/**
 * Ends an organization for good: when this resolves none of its keys is accepted on this node, within a second on none, and its sessions are over. Its
 * audit and its calls are kept as long as they must be, and its id is never given again. Faults: `unknown_object`, `invalid_params` for the gateway's
 * own, `precondition_failed`, `still_in_use`, `unavailable`.
 */
export async function deleteOrganization(context: ControlContext, { id, expected, cascade, dryRun }: DeleteOrganizationInput): Promise<OrganizationContents> {
  const { registry, clock, actor } = context;
  const known = requireVisible(context, id);
  if (known === defaultOrganizationId) throw new Fault('invalid_params', { reason: `${known} is the gateway's own organization and stays` });
  const gone = await registry.transaction(async ({ organizations, access, audit }) => {
    // Who makes a key or an entry there waits, and then finds it gone.
    if (!dryRun) await access.begin(known);
    const before = await organizations.findForUpdate(known);
    if (before === null) throw unknownObject('organization', id);
    const { version } = before;
    if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    const { keys, entries } = await organizations.contents(known);
    const contents: OrganizationContents = {
      ...(keys === 0 ? {} : { keys }),
      ...Object.fromEntries(nounKinds.flatMap((kind) => ((entries[kind] ?? 0) === 0 ? [] : [[nouns[kind].plural, entries[kind] ?? 0]]))),
    };
    if (Object.keys(contents).length > 0 && !cascade) throw inUse(id, contents);
    if (dryRun) return contents;
    const nowMs = clock.nowMs();
    await organizations.clear(known, nowMs);
    await organizations.delete(known, nowMs);
    await auditBoth(context, audit, 'deleted', before, { contents });
    return contents;
  });
  if (dryRun) return gone;
  context.log.warn('organization.deleted', { organization_id: known, actor: actor.id });
  await context.access.refresh();
  return gone;
}

function inUse(id: string, contents: OrganizationContents): Fault {
  const by = Object.entries(contents)
    .map(([what, count]) => `${count} ${count === 1 ? what.replace(/s$/, '') : what}`)
    .join(', ');
  const mend = 'Delete them with it: cascade=true, --cascade. Its keys are revoked; its audit and its calls are kept.';
  return new Fault('still_in_use', { kind: 'organization', name: id, by, mend }, { extra: { contents } });
}
