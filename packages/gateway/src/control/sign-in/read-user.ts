import { rolePrefix, type Reference } from '../../kernel/directory.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import { switchedOff } from '../access/switched-off.ts';
import type { ControlDependencies } from '../context.ts';
import { permissionsOf } from '../roles/built-in-roles.ts';

/** A user of the directory who may come in. */
export interface KnownUser {
  readonly entry: EntryRecord;
  /** The user, and what stands above them. */
  readonly lineage: readonly Reference[];
  /** What their roles allow. */
  readonly actions: readonly string[];
}

/** The user as the directory has them now; null where they are gone, or they or something above them is switched off. Faults: `unavailable`. */
export async function readUser(
  dependencies: Pick<ControlDependencies, 'registry' | 'mcpActions' | 'access' | 'clock'>,
  organizationId: OrganizationId,
  userId: string,
): Promise<KnownUser | null> {
  const { access, clock } = dependencies;
  const user = await userOfDirectory(dependencies, organizationId, userId);
  return user === null || switchedOff(access.switches(organizationId), { keyId: '', lineage: user.lineage }, clock.nowMs()) !== null ? null : user;
}

/** The same, switched off or not. */
export async function userOfDirectory(
  { registry, mcpActions }: Pick<ControlDependencies, 'registry' | 'mcpActions'>,
  organizationId: OrganizationId,
  userId: string,
): Promise<KnownUser | null> {
  const reference: Reference = { kind: 'user', id: userId };
  const entry = await registry.directory.find(organizationId, reference);
  if (entry === null) return null;
  const ancestors = await registry.directory.lineage(organizationId, [reference]);
  const lineage = ancestors.filter(({ kind }) => kind !== 'role').map(({ kind, id }): Reference => ({ kind, id }));
  const actions = ancestors.filter(({ kind }) => kind === 'role').flatMap((role) => permissionsOf(role, mcpActions));
  return { entry, lineage, actions: [...new Set(actions)].filter((action) => !action.startsWith(rolePrefix)) };
}
