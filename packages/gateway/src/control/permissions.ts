/**
 * What an actor may do: the permissions of the control plane, and how a list of granted actions covers a wanted one. A
 * key's `actions` name both these and MCP operations (`tools.call`).
 */
export const permissions = {
  'organizations.read': 'See the organization; from the one of the gateway itself, every one.',
  'organizations.write': 'Rename the organization.',
  'organizations.manage': 'Make, rename and delete any organization. Holds only in the one of the gateway itself.',
  'organizations.enter': 'Act in any organization, with what one holds. Holds only in the one of the gateway itself.',
  'keys.read': 'List API keys and see one.',
  'keys.write': 'Create, rotate and revoke API keys.',
  'servers.read': 'List servers and see one.',
  'servers.test': 'Connect to a server and list its tools, resources and prompts.',
  'servers.write': 'Switch the active target of a server, change its canary, the weight of a target, or drain one.',
  'traces.read': 'List traces and see one.',
  'views.share': 'Share a saved view with a team or with everybody of the organization.',
  'views.write': 'See, change and delete every saved view that is shared.',
  'metrics.read': 'Read metrics, and follow them live.',
  'logs.read': 'Read the request log.',
  'logs.export': 'Export the request log to a file.',
  'bodies.read': 'Read the recorded requests and responses of calls, masked.',
  'masking.test': 'Try what would be masked in a text.',
  'audit.read': 'Read the audit, verify it and export it.',
  'audit.write': 'Rotate the key that signs the audit.',
  'privacy.export': 'Export everything that is held about a person.',
  'privacy.erase': 'Erase a person.',
  'people.read': 'See departments, teams, projects, users, service accounts and agents.',
  'people.write': 'Make, change and delete departments, teams, projects, users, service accounts and agents, and invite users.',
  'sessions.read': 'See the sessions of users: since when, from where, by which provider.',
  'sessions.write': 'End the sessions of users.',
  'identity.read': 'See the identity providers that people sign in by, and preview what they would be given.',
  'identity.test': 'Test the identity providers that people sign in by.',
  'identity.write': 'Let an identity provider send users and groups (SCIM), give it another token, and stop it.',
  'identity.rotate': 'Rotate the keys that sign the tokens which the gateway gives out. Holds only in the organization of the gateway itself.',
  'scim.provision': 'Send users and groups, as an identity provider does: holds only in the token of one.',
  'roles.read': 'See roles and what can be permitted.',
  'roles.write': 'Make, change and delete roles.',
  'grants.read': 'See what people have allowed clients that act for them.',
  'grants.revoke': 'Take back what people have allowed clients that act for them.',
  'policies.read': 'See the rules of access and what is switched off, and have a decision explained.',
  'policies.write': 'Change the rules of access: whoever may can give anybody, themselves among them, the use of everything.',
  'switches.write': 'Switch a server, a tool or a caller off, and on again.',
  'costs.read': 'Read what calls have cost, and the price list.',
  'prices.write': 'Change the price list.',
  'health.read': 'Read the state of each part behind the gateway.',
  'config.read': 'See which configuration serves, what it consists of, and why the file on disk does not serve.',
  'config.write':
    'Make, change and delete servers, routes, virtual servers, rules of tools, masking rules, retention and export targets: whoever may can open a server to everybody.',
  'config.export': 'Take the configuration as a file, with what was set while the gateway ran.',
  'config.reload': 'Reload the configuration file.',
  'backup.read': 'Take a backup: every key as its hash, the audit, the configuration and the ledger.',
  'admin.link': 'Make a one-time administrator link.',
} as const;

export type Permission = keyof typeof permissions;

/** What the operations of MCP are that roles and keys permit beside these. */
export const mcpPermissions: Readonly<Record<string, string>> = {
  'completion.complete': 'Have arguments of prompts and resources completed.',
  'prompts.get': 'Use a prompt.',
  'prompts.list': 'See which prompts there are.',
  'resources.list': 'See which resources there are.',
  'resources.read': 'Read a resource.',
  'resources.subscribe': 'Be told when a resource changes.',
  'skills.get': 'Use a skill.',
  'skills.list': 'See which skills there are.',
  'subscriptions.listen': 'Be told when what servers offer changes.',
  'tasks.cancel': 'Cancel what a server works on for the caller.',
  'tasks.get': 'See how far something is that a server works on for the caller.',
  'tasks.list': 'See what servers work on for the caller.',
  'tasks.update': 'Answer what a server asks while it works for the caller.',
  'tools.call': 'Call a tool.',
  'tools.list': 'See which tools there are.',
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
