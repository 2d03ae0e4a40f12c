import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { newOrganizationId, organizationIdOf, type OrganizationId } from '../../kernel/id.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { OrganizationRecord } from '../../store/registry/organization-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { builtInRoles } from '../roles/built-in-roles.ts';

export interface CreateOrganizationInput {
  readonly name: string;
  /** Null: one is made. */
  readonly id: string | null;
}

/** As a fresh install has it: without any rule nobody may call anything. */
const firstPolicy: PolicyData = {
  name: 'members-may-call-every-server',
  effect: 'allow',
  subjects: [{ kind: 'member', id: '' }],
  servers: ['*'],
  tools: null,
  resources: null,
  prompts: null,
  actions: null,
  when: null,
  reason: null,
  untilMs: null,
};

/**
 * Makes an organization with the roles and the rule that a fresh install has; no server is its own before gateway.yaml offers it one. Written down in the
 * audit of the gateway's organization and in its own. Faults: `invalid_params`, `already_exists` also for the id of one that was deleted, `unavailable`.
 */
export async function createOrganization(context: ControlContext, input: CreateOrganizationInput): Promise<OrganizationRecord> {
  const { registry, clock, actor } = context;
  const nowMs = clock.nowMs();
  const id = input.id === null ? newOrganizationId() : organizationIdOf(input.id);
  if (id === null) throw new Fault('invalid_params', { reason: 'id must be org_ and 1 to 59 letters, digits, "-" or "_", beginning with a letter or digit' });
  const made = { createdAtMs: nowMs, createdBy: actor.id, changedAtMs: nowMs, changedBy: actor.id };
  const organization: OrganizationRecord = { id, name: organizationName(input.name), version: 1, ...made };
  await registry.transaction(async ({ organizations, access, directory, audit }) => {
    if ((await organizations.count()) >= bounds.organizationsMax)
      throw new Fault('invalid_params', { reason: `there are ${bounds.organizationsMax} organizations already` });
    if (!(await organizations.insert(organization))) throw new Fault('already_exists', { kind: 'organization', name: id });
    await access.begin(id);
    await access.putPolicy(id, { data: firstPolicy, version: 1, changedAtMs: nowMs, changedBy: actor.id });
    for (const [role, name] of Object.entries(builtInRoles))
      await directory.insert(id, {
        kind: 'role',
        id: role,
        name,
        handle: role,
        attributes: {},
        names: {},
        links: {},
        version: 1,
        ...made,
      } satisfies EntryRecord);
    await auditBoth(context, audit, 'created', organization);
  });
  context.log.info('organization.created', { organization_id: id, actor: actor.id });
  await context.access.refresh();
  return organization;
}

/** Faults: `invalid_params`. */
export function organizationName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > bounds.keyNameCharsMax || /\p{Cc}/u.test(name))
    throw new Fault('invalid_params', { reason: `name must have 1 to ${bounds.keyNameCharsMax} characters, none of them control characters` });
  return name;
}

/** What is done to an organization from outside is known inside and outside. */
export async function auditBoth(
  context: ControlContext,
  audit: { insert(event: ReturnType<typeof auditEvent>): Promise<unknown> },
  what: 'created' | 'changed' | 'deleted',
  { id, name, version }: OrganizationRecord,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const places = new Set<OrganizationId>([id, context.actor.organizationId]);
  // Always in the same order: who writes to two chains at once must not wait for who does so the other way round.
  for (const organizationId of [...places].sort())
    await audit.insert(auditEvent({ ...context, organizationId }, `organization.${what}`, id, { name, version, ...more }));
}
