/** What the checks of those who vouch for callers have in common. */
import type { RouteAuth } from '../kernel/route-auth.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';

/** `place`: the list in gateway.yaml; `what`: its entries, in words. */
export function checkNamedOnce(entries: readonly { readonly name: string }[], place: readonly string[], what: string, complain: Complain): void {
  for (const [index, { name }] of entries.entries()) {
    const first = entries.findIndex((one) => one.name === name);
    if (first < index)
      complain(
        [...place, index, 'name'],
        `two ${what} are named ${name}`,
        `${place.join('.')}[${first}] has the name already.`,
        'Give one of them another name.',
      );
  }
}

/** `caller`: what it is that has one caller, in words. */
export function checkNamesOne(
  {
    user,
    service_account: account,
    agent,
  }: { readonly user?: string | undefined; readonly service_account?: string | undefined; readonly agent?: string | undefined },
  path: Path,
  caller: string,
  complain: Complain,
): void {
  if ([user, account, agent].filter((one) => one !== undefined).length !== 1)
    complain(path, 'the entry names nobody, or more than one', `${caller} is of one caller.`, 'Write one of user, service_account and agent.');
}

/** That the servers which an entry narrows its callers to are there. */
export function checkServers(
  names: readonly string[] | undefined,
  path: Path,
  { config, leftOutServers }: Pick<Checked, 'config' | 'leftOutServers'>,
  complain: Complain,
): void {
  const servers = new Set([...config.servers.map(({ name }) => name), ...leftOutServers]);
  for (const [number, server] of (names ?? []).entries())
    if (!servers.has(server))
      complain(
        [...path, 'servers', number],
        `there is no server named ${server}`,
        `Configured: ${[...servers].slice(0, 20).join(', ')}.`,
        'Correct the name, or remove it.',
      );
}

/** Every place that says which credentials it takes. */
export function eachAuth(file: Checked['file'], check: (auth: RouteAuth, path: Path) => void): void {
  for (const [index, { auth }] of file.routes.entries()) check(auth, ['routes', index, 'auth']);
  check(file.aggregate.auth, ['aggregate', 'auth']);
  for (const [index, { auth }] of file.virtual_servers.entries()) check(auth, ['virtual_servers', index, 'auth']);
}
