/** What the shape of `identity`, and of `auth` where it names issuers, cannot say. */
import { networksOf, refusedAsPrivate } from '../kernel/outward-address.ts';
import { credentialsOf, type RouteAuth } from '../kernel/route-auth.ts';
import { closestWord } from '../kernel/closest-word.ts';
import { checkUrl } from './check-address.ts';
import { checkNamedOnce, checkNamesOne, checkServers, eachAuth } from './check-callers.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';

export function checkIdentity(checked: Checked, complain: Complain): void {
  const { file } = checked;
  const { issuers } = file.identity;
  const place = ['identity', 'issuers'];
  checkNamedOnce(issuers, place, 'issuers', complain);
  for (const [index, entry] of issuers.entries()) {
    const path: Path = [...place, index];
    const same = issuers.findIndex((one) => one.issuer === entry.issuer && audiences(one).some((audience) => audiences(entry).includes(audience)));
    if (same < index && Object.keys(entry.required_claims).length === 0)
      complain(
        path,
        `nothing tells tokens of ${entry.name} from those of ${issuers[same]?.name ?? ''}`,
        'Both entries have the same issuer and an audience in common: every token would be of the first.',
        'Give each an audience of its own, or required_claims.',
      );
    for (const [member, url] of Object.entries({ issuer: entry.issuer, jwks_url: entry.jwks_url })) {
      // The issuer itself is asked for nothing where it is known where its keys are.
      if (url === undefined || (member === 'issuer' && entry.jwks_url !== undefined)) continue;
      checkUrl(url, [...path, member], complain, entry.allow_addresses ?? []);
      checkReach(url, entry.allow_addresses ?? [], [...path, member], complain);
    }
    if (entry.provision === 'none' && entry.callers.length === 0)
      complain(
        path,
        `nobody can come with a token of ${entry.name}`,
        'No entry of callers names anybody, and provision is none.',
        'Add callers, or another provision.',
      );
    if (entry.control_api && entry.actions === undefined)
      complain(
        [...path, 'control_api'],
        `callers of ${entry.name} could do nothing in the control API`,
        'actions says what they may do at most; without it every MCP operation, and nothing else.',
        'Add actions with the permissions that they need, such as [config.write, servers.read].',
      );
    for (const [number, rule] of entry.callers.entries()) checkNamesOne(rule, [...path, 'callers', number], 'A token', complain);
    checkServers(entry.servers, path, checked, complain);
  }
  const names = issuers.map(({ name }) => name);
  eachAuth(file, (auth, path) => checkAuth(auth, path, names, complain));
}

function audiences({ audience }: { readonly audience: string | readonly string[] }): readonly string[] {
  return typeof audience === 'string' ? [audience] : audience;
}

/** Names are looked up when they are asked; addresses, and what has no TLS, are told at once. */
function checkReach(text: string, allowed: readonly string[], path: Path, complain: Complain): void {
  const url = URL.parse(text);
  if (url === null) return;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
  const reason = isAddress ? refusedAsPrivate(host, networksOf(allowed)) : null;
  if (reason !== null && !reason.startsWith('link-local'))
    complain(
      path,
      `${url.hostname} is an address of this machine or of a private network`,
      `Of such, ${reason}.`,
      `Write allow_addresses: ["${host}"], if it is meant.`,
    );
  if (url.protocol === 'http:' && allowed.length === 0)
    complain(
      path,
      'the issuer is asked without TLS',
      'Whoever stands between could give keys of their own.',
      'Write https://; for a test on this machine, name its address in allow_addresses.',
      {
        unsafe: true,
      },
    );
}

function checkAuth({ type, issuers }: RouteAuth, path: Path, names: readonly string[], complain: Complain): void {
  const takesTokens = credentialsOf(type).includes('jwt');
  if (takesTokens && names.length === 0)
    complain(
      [...path, 'type'],
      'the route takes tokens, and no issuer is configured',
      'Nobody could call by it.',
      'Add an entry to identity.issuers, or write type: apiKey.',
    );
  if (!takesTokens && issuers !== undefined)
    complain([...path, 'issuers'], 'the route takes no tokens', 'issuers says whose tokens it takes.', 'Write type: jwt, or remove issuers.');
  for (const [index, name] of (issuers ?? []).entries())
    if (!names.includes(name) && names.length > 0) {
      const near = closestWord(name, names);
      complain(
        [...path, 'issuers', index],
        `there is no issuer named ${name}`,
        `Configured: ${names.slice(0, 20).join(', ')}.`,
        near === null ? 'Correct the name.' : `Did you mean ${near}?`,
      );
    }
}
