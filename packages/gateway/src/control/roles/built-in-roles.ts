import type { Permission } from '../permissions.ts';

interface BuiltInRole {
  readonly description: string;
  readonly permissions: readonly string[];
}

/** What whoever works with the gateway may see. */
const seen: readonly Permission[] = ['servers.read', 'traces.read', 'logs.read', 'metrics.read', 'costs.read', 'health.read', 'people.read'];
const developed: readonly Permission[] = [...seen, 'views.share', 'servers.test', 'policies.read', 'roles.read', 'masking.test', 'config.read'];
const audited: readonly Permission[] = [
  ...seen,
  'audit.read',
  'logs.export',
  'keys.read',
  'grants.read',
  'sessions.read',
  'policies.read',
  'roles.read',
  'config.read',
];

/** Of each organization, by id and name. */
export const builtInRoles = { admin: 'Admin', developer: 'Developer', viewer: 'Viewer', auditor: 'Auditor' } as const;

/** Roles that every organization has, by id: to be seen, not to be changed. `mcpActions`: every MCP operation there is. */
export function builtInRole(id: string, mcpActions: readonly string[]): BuiltInRole | null {
  switch (id) {
    case 'admin':
      return { description: 'Everything.', permissions: ['*'] };
    case 'developer':
      return { description: 'Every MCP operation, and viewing the results.', permissions: [...mcpActions, ...developed] };
    case 'viewer':
      return {
        description: 'To see what there is and what happened; to call nothing.',
        permissions: [...mcpActions.filter((action) => action.endsWith('.list')), ...seen],
      };
    case 'auditor':
      return { description: 'To see who may do what and who did what; to call nothing.', permissions: audited };
    default:
      return null;
  }
}

/** What a role allows: of one that is built in what this version says. */
export function permissionsOf(role: { readonly id: string; readonly permissions: readonly string[] }, mcpActions: readonly string[]): readonly string[] {
  return builtInRole(role.id, mcpActions)?.permissions ?? role.permissions;
}
