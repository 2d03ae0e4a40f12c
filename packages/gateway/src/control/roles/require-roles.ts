import { rolePrefix, type Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { ControlContext } from '../context.ts';
import { excess, isKnownAction } from '../permissions.ts';
import { builtInRole, permissionsOf } from './built-in-roles.ts';

/** Actions of a key with what its roles allow in their place. Faults: `invalid_params` for a role that is not there. */
export async function expandRoles(context: ControlContext, actions: readonly string[] | null): Promise<readonly string[] | null> {
  const roles = actions?.filter((action) => action.startsWith(rolePrefix)).map((action) => action.slice(rolePrefix.length)) ?? [];
  if (actions === null || roles.length === 0) return actions;
  const allowed = await rolesAllow(
    context,
    roles.map((id) => ({ kind: 'role', id })),
  );
  return [...actions.filter((action) => !action.startsWith(rolePrefix)), ...allowed];
}

/**
 * That whoever gives somebody roles, or changes somebody who has them, holds what they allow: nobody makes somebody, or becomes somebody, who may do
 * more. Faults: `forbidden`, `invalid_params`.
 */
export async function requireHeld(context: ControlContext, roles: readonly Reference[]): Promise<void> {
  const beyond = excess(context.actor.grants, { actions: await rolesAllow(context, roles), servers: context.actor.grants.servers }, context.mcpActions);
  if (beyond !== null) throw new Fault('forbidden', { reason: `it cannot give a role, or change who has one, that allows more than it holds: ${beyond}` });
}

async function rolesAllow({ registry, organizationId, mcpActions }: ControlContext, roles: readonly Reference[]): Promise<readonly string[]> {
  const found = await registry.directory.lineage(organizationId, roles);
  const missing = found.find(({ isRegistered }) => !isRegistered);
  if (missing !== undefined) throw new Fault('invalid_params', { reason: `there is no role ${missing.id.slice(0, 128)}` });
  return found.flatMap((role) => permissionsOf(role, mcpActions));
}

/** A role that may be made so, by this actor. Faults: `invalid_params`, `forbidden`. */
export function requireRole({ actor, mcpActions }: ControlContext, { id, names }: EntryRecord): void {
  if (builtInRole(id, mcpActions) !== null) throw new Fault('invalid_params', { reason: `the role ${id} is built in and stays as it is; make another one` });
  const permissions = names['permissions'] ?? [];
  const unknown = permissions.find((permission) => !isKnownAction(permission, mcpActions));
  if (unknown !== undefined)
    throw new Fault('invalid_params', { reason: `permissions names ${unknown.slice(0, 128)}, which is neither an MCP operation nor a permission` });
  const beyond = excess(actor.grants, { actions: permissions, servers: actor.grants.servers }, mcpActions);
  if (beyond !== null) throw new Fault('forbidden', { reason: `it cannot make a role that allows more than it holds: ${beyond}` });
}
