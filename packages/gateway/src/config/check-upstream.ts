/** What the shape cannot say of how a server is reached: that names lead to targets, and parts fit together. */
import { checkTlsPair } from './check-address.ts';
import type { Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import type { HttpServerEntry } from './schema.ts';

export function checkUpstream(entry: Partial<HttpServerEntry>, path: Path, complain: Complain): void {
  const { targets, active, canary, tls } = entry;
  const names = targets?.map(({ name }) => name) ?? [];
  for (const [index, name] of names.entries()) {
    const first = names.indexOf(name);
    if (first === index) continue;
    complain(
      [...path, 'targets', index, 'name'],
      `two targets are named ${name}`,
      `targets[${first}] has the name already, and sessions are kept by it.`,
      'Give one of them another name.',
    );
  }
  requireTarget(active, [...path, 'active'], names, complain);
  requireTarget(canary?.target, [...path, 'canary', 'target'], names, complain);
  if (canary !== undefined && canary.share === 0 && canary.header === undefined && canary.principals.length === 0) {
    complain([...path, 'canary'], 'the canary takes no calls', 'Neither a share nor a header nor principals are named.', 'Write for example: share: 5');
  }
  if (canary !== undefined && canary.target === active) {
    complain([...path, 'canary', 'target'], `${canary.target} is the active target`, 'It takes all calls already.', 'Name another one, or remove canary.');
  }
  if (tls === undefined) return;
  checkTlsPair(tls, [...path, 'tls'], complain);
  const addresses = targets?.map(({ url }) => url) ?? [entry.url ?? ''];
  if (!addresses.some((url) => /^(?:https|wss):/i.test(url)))
    complain(
      [...path, 'tls'],
      'no address of this server begins with https: or wss:',
      'tls would be used for none.',
      'Write the address with https: or wss:, or remove tls.',
    );
}

function requireTarget(name: string | undefined, path: Path, names: readonly string[], complain: Complain): void {
  if (name === undefined || names.includes(name)) return;
  const cause = names.length === 0 ? 'The server has no targets.' : `Its targets: ${names.join(', ')}.`;
  complain(path, `there is no target named ${name}`, cause, 'Name one of its targets, or add it under targets.');
}
