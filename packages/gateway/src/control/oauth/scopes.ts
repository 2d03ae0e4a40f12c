/**
 * The scopes of tokens: the actions of keys, `tools.call` and patterns such as `tools.*`, so that a person, a key and a token are
 * limited by one list of words.
 */
import { scopeGroups } from '../../kernel/scope-groups.ts';
import { covers } from '../permissions.ts';
import { OauthRefusal } from './oauth-refusal.ts';

/** What clients of OpenID Connect ask for by habit, and what is nothing here: they get what they get without it. */
const ofNoMeaning = new Set(['offline_access', 'openid', 'profile', 'email']);
const scopesMax = 40;

/** Everything that a client can ask for. */
export function supportedScopes(mcpActions: readonly string[]): readonly string[] {
  return [...scopeGroups(mcpActions), ...mcpActions];
}

/** What `scope` asks for (RFC 6749 section 3.3); without it, every MCP operation. Refusals: `invalid_scope`. */
export function parseScopes(text: string | null, mcpActions: readonly string[]): readonly string[] {
  const asked = [...new Set((text ?? '').split(' ').filter((word) => word !== ''))];
  if (asked.length === 0) return scopeGroups(mcpActions);
  const scopes = asked.filter((word) => !ofNoMeaning.has(word));
  const known = new Set(supportedScopes(mcpActions));
  const unknown = scopes.find((word) => !known.has(word));
  if (unknown !== undefined) throw new OauthRefusal('invalid_scope', `the scope ${unknown.slice(0, 100)} is not known; scopes_supported lists them`);
  if (scopes.length === 0 || scopes.length > scopesMax) throw new OauthRefusal('invalid_scope', 'the scope names no MCP operation, or too many');
  // What a pattern covers needs no name.
  return scopes.filter((scope) => !scopes.some((other) => other !== scope && covers([other], scope))).sort();
}

/** A scope as people read it. */
export function scopeText(scope: string): string {
  return words[scope] ?? scope;
}

const words: Readonly<Record<string, string>> = {
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
