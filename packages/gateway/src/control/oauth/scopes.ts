/**
 * The scopes of tokens: the actions of keys, `tools.call` and patterns such as `tools.*`, so that a person, a key and a token are
 * limited by one list of words. Those of MCP are asked for at the addresses of MCP, those of the control plane at the control API.
 */
import { scopeGroups } from '../../kernel/scope-groups.ts';
import { covers, permissionNames, permissions } from '../permissions.ts';
import { OauthRefusal } from './oauth-refusal.ts';
import { controlApiPath } from './resources.ts';

/** What clients of OpenID Connect ask for by habit, and what is nothing here: they get what they get without it. */
const ofNoMeaning = new Set(['offline_access', 'openid', 'profile', 'email']);
const scopesMax = 40;

/** Everything that a client can ask for at the path of a resource, the widest first. */
export function supportedScopes(path: string, mcpActions: readonly string[]): readonly string[] {
  return path === controlApiPath ? ['*', ...scopeGroups(permissionNames), ...permissionNames] : [...scopeGroups(mcpActions), ...mcpActions];
}

/** What a client gets that asks for nothing: everything there. */
export function widestScopes(path: string, mcpActions: readonly string[]): readonly string[] {
  return path === controlApiPath ? ['*'] : scopeGroups(mcpActions);
}

/** What `scope` asks for at the path of a resource (RFC 6749 section 3.3). Refusals: `invalid_scope`. */
export function parseScopes(text: string | null, path: string, mcpActions: readonly string[]): readonly string[] {
  const asked = [...new Set((text ?? '').split(' ').filter((word) => word !== ''))];
  if (asked.length === 0) return widestScopes(path, mcpActions);
  const scopes = asked.filter((word) => !ofNoMeaning.has(word));
  const known = new Set(supportedScopes(path, mcpActions));
  const unknown = scopes.find((word) => !known.has(word));
  if (unknown !== undefined) throw new OauthRefusal('invalid_scope', `the scope ${unknown.slice(0, 100)} is not known; scopes_supported lists them`);
  if (scopes.length === 0 || scopes.length > scopesMax) throw new OauthRefusal('invalid_scope', 'the scope names nothing that there is, or too much');
  // What a pattern covers needs no name.
  return scopes.filter((scope) => !scopes.some((other) => other !== scope && covers([other], scope))).sort();
}

/** A scope as people read it. */
export function scopeText(scope: string): string {
  const permission = permissionNames.find((name) => name === scope);
  return words[scope] ?? (permission === undefined ? `Everything of: ${scope.replace(/\.\*$/, '')}` : permissions[permission]);
}

const words: Readonly<Record<string, string>> = {
  '*': 'Do everything in the gateway that you may do yourself',
  'completion.*': 'Have what is typed completed',
  'completion.complete': 'Have what is typed completed',
  'prompts.*': 'See the prompts and use them',
  'prompts.get': 'Use the prompts',
  'prompts.list': 'See which prompts there are',
  'resources.*': 'See the resources, read them and be told when they change',
  'resources.list': 'See which resources there are',
  'resources.read': 'Read the resources',
  'resources.subscribe': 'Be told when resources change',
  'skills.*': 'See the skills and use them',
  'skills.get': 'Use the skills',
  'skills.list': 'See which skills there are',
  'subscriptions.*': 'Be told when lists and resources change',
  'subscriptions.listen': 'Be told when lists and resources change',
  'tasks.*': 'Follow, feed and cancel the tasks that its calls begin',
  'tasks.cancel': 'Cancel the tasks that its calls begin',
  'tasks.get': 'Follow the tasks that its calls begin',
  'tasks.list': 'See which tasks there are',
  'tasks.update': 'Feed the tasks that its calls begin',
  'tools.*': 'See the tools and call them in your name',
  'tools.call': 'Call the tools in your name',
  'tools.list': 'See which tools there are',
};
