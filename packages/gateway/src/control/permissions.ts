/**
 * What an actor may do: the permissions of the control plane, and how a list of granted actions covers a wanted one. A
 * key's `actions` name both these and MCP operations (`tools.call`).
 */
export const permissions = {
  'organizations.read': 'See the organization; from the organization of the gateway itself, all of them.',
  'organizations.write': 'Rename the organization.',
  'organizations.manage': 'Create, rename and delete any organization. Effective only in the organization of the gateway itself.',
  'organizations.enter': 'Act in any organization, with the permissions held. Effective only in the organization of the gateway itself.',
  'keys.read': 'List API keys and view their details.',
  'keys.write': 'Create, rotate and revoke API keys.',
  'servers.read': 'List servers and view their details.',
  'servers.test': 'Connect to a server and list its tools, resources and prompts.',
  'servers.write': 'Switch the active target of a server, change its canary, the weight of a target, or drain one.',
  'traces.read': 'List traces and view their details.',
  'views.share': 'Share a saved view with a team or the whole organization.',
  'views.write': 'See, change and delete every shared view.',
  'metrics.read': 'Read metrics, and follow them live.',
  'logs.read': 'Read the request log.',
  'logs.export': 'Export the request log to a file.',
  'bodies.read': 'Read the recorded requests and responses of calls, masked.',
  'masking.test': 'Try what would be masked in a text.',
  'audit.read': 'Read, verify and export the audit log.',
  'audit.write': 'Rotate the key that signs the audit log.',
  'privacy.export': 'Export everything that is held about a person.',
  'privacy.erase': 'Erase a person.',
  'people.read': 'See departments, teams, projects, users, service accounts and agents.',
  'people.write': 'Create, change and delete departments, teams, projects, users, service accounts and agents, and invite users.',
  'sessions.read': 'See the sessions of users: since when, from where, by which provider.',
  'sessions.write': 'End the sessions of users.',
  'identity.read': 'See the identity providers for sign-in, and preview what they would grant.',
  'identity.test': 'Test the identity providers for sign-in.',
  'identity.write': 'Let an identity provider provision users and groups (SCIM), rotate its token, and stop it.',
  'identity.rotate': 'Rotate the keys that sign the tokens issued by the gateway. Effective only in the organization of the gateway itself.',
  'scim.provision': 'Provision users and groups, as an identity provider does: effective only in its token.',
  'roles.read': 'See roles and all permissions.',
  'roles.write': 'Create, change and delete roles.',
  'grants.read': 'See the access that people have given to clients acting for them.',
  'grants.revoke': 'Revoke the access that people have given to clients acting for them.',
  'policies.read': 'See the access rules and what is switched off, and why a call is allowed or refused.',
  'policies.write': 'Change the access rules: whoever may can give anybody, including themselves, the use of everything.',
  'switches.write': 'Switch a server, a tool or a caller off, and on again.',
  'costs.read': 'Read what calls have cost, and the price list.',
  'prices.write': 'Change the price list.',
  'health.read': 'Read the state of each part behind the gateway.',
  'config.read': 'See which configuration is in force, what is in it, and why the file on disk was refused, if it was.',
  'config.write':
    'Create, change and delete servers, routes, virtual servers, rules of tools, masking rules, retention and export targets: whoever may can open a server to everybody.',
  'config.export': 'Export the configuration as a file, including what was set while the gateway ran.',
  'config.reload': 'Reload the configuration file.',
  'backup.read': 'Take a backup: every key as its hash, the audit, the configuration and the ledger.',
  'admin.link': 'Create a one-time administrator link.',
} as const;

export type Permission = keyof typeof permissions;

/** What the operations of MCP are that roles and keys permit beside these. */
export const mcpPermissions: Readonly<Record<string, string>> = {
  'completion.complete': 'Get completions for arguments of prompts and resources.',
  'prompts.get': 'Use a prompt.',
  'prompts.list': 'List prompts.',
  'resources.list': 'List resources.',
  'resources.read': 'Read a resource.',
  'resources.subscribe': 'Be notified when a resource changes.',
  'skills.get': 'Use a skill.',
  'skills.list': 'List skills.',
  'subscriptions.listen': 'Be notified when what servers offer changes.',
  'tasks.cancel': 'Cancel a task of the caller.',
  'tasks.get': 'See the progress of a task of the caller.',
  'tasks.list': 'List the tasks of the caller.',
  'tasks.update': 'Answer what a server asks during a task of the caller.',
  'tools.call': 'Call a tool.',
  'tools.list': 'List tools.',
};

/**
 * About the whole gateway, which all organizations share: only callers of its own organization, the one of a fresh install, can do these, whatever others
 * hold.
 */
const gatewayPermissions: ReadonlySet<Permission> = new Set([
  'organizations.manage',
  'organizations.enter',
  'servers.write',
  'audit.write',
  'identity.rotate',
  'prices.write',
  'health.read',
  'config.read',
  'config.write',
  'config.export',
  'config.reload',
  'backup.read',
]);

export function isOfGateway(permission: Permission): boolean {
  return gatewayPermissions.has(permission);
}

export const permissionNames = Object.keys(permissions) as readonly Permission[];

/** What someone holds. `actions` null: every MCP operation and no permission of the control plane; `servers` null: every one. */
export interface Grants {
  readonly actions: readonly string[] | null;
  readonly servers: readonly string[] | null;
}

export const allGrants: Grants = { actions: ['*'], servers: null };

/** Whether a list of names and patterns (`tools.*`, `*`) covers a wanted name or pattern. */
export function covers(actions: readonly string[], wanted: string): boolean {
  return actions.some((entry) => entry === wanted || entry === '*' || (entry.endsWith('.*') && wanted.startsWith(entry.slice(0, -1))));
}

/** Whether an action may stand in a key's scopes: a known name, or a pattern that covers at least one. */
export function isKnownAction(action: string, mcpActions: readonly string[]): boolean {
  if (action === '*') return true;
  const known = [...mcpActions, ...permissionNames];
  return action.endsWith('.*') ? known.some((name) => name.startsWith(action.slice(0, -1))) : known.includes(action);
}

/** What of `actions` lies within `granted`: the list itself where all of it does. Null: every MCP operation. */
export function within(actions: readonly string[] | null, granted: readonly string[], mcpActions: readonly string[]): readonly string[] | null {
  const held = [...mcpActions, ...permissionNames].filter((name) => (actions === null ? mcpActions.includes(name) : covers(actions, name)));
  return held.every((name) => covers(granted, name)) ? actions : held.filter((name) => covers(granted, name));
}

/** The first thing in `wanted` that `held` does not cover, in words, or null where all of it is covered. */
export function excess(held: Grants, wanted: Grants, mcpActions: readonly string[]): string | null {
  const heldActions = held.actions ?? mcpActions;
  const action = (wanted.actions ?? mcpActions).find((name) => !covers(heldActions, name));
  if (action !== undefined) return `it does not hold ${action} itself`;
  if (held.servers === null) return null;
  if (wanted.servers === null) return 'it is limited to some servers itself';
  const heldServers = held.servers;
  const server = wanted.servers.find((name) => !heldServers.includes(name));
  return server === undefined ? null : `it may not reach the server ${server} itself`;
}
