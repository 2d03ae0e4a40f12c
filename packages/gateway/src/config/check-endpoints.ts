/** What the shape of `aggregate` and `virtual_servers` cannot say: that names lead somewhere, nothing stands twice, nothing is open by mistake. */
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import type { Checked, Complain } from './check-config.ts';
import { closestWord } from '../kernel/closest-word.ts';
import type { Path } from './config-fault.ts';
import { isLoopback, listenAddressText } from './listen-address.ts';
import type { VirtualServerEntry } from './schema-endpoints.ts';

export function checkEndpoints(checked: Checked, complain: Complain): void {
  const { file } = checked;
  if (file.aggregate.auth.type === 'none') checkOpen(checked, ['aggregate', 'auth'], '/mcp', complain);
  const names = new Map<string, number>();
  for (const [index, entry] of file.virtual_servers.entries()) {
    const path: Path = ['virtual_servers', index];
    const first = names.get(entry.name);
    if (first === undefined) names.set(entry.name, index);
    else {
      const cause = `virtual_servers[${first}] has the name already, and so the address /mcp/v/${entry.name}.`;
      complain([...path, 'name'], `two virtual servers are named ${entry.name}`, cause, 'Give one of them another name.');
    }
    checkServers(checked, entry, path, complain);
    for (const kind of ['tools', 'prompts'] as const) checkNames(checked, entry, kind, [...path, kind], complain);
    for (const [at, one] of entry.resources?.entries() ?? [])
      if (typeof one !== 'string') checkOwn(checked, entry, one.server, [...path, 'resources', at], complain);
    if (entry.auth.type === 'none') checkOpen(checked, [...path, 'auth'], `/mcp/v/${entry.name}`, complain);
  }
}

function checkServers({ config, leftOutServers }: Checked, entry: VirtualServerEntry, path: Path, complain: Complain): void {
  const known = [...new Set([...config.servers.map(({ name }) => name), ...leftOutServers])];
  for (const [at, pattern] of entry.servers.entries()) {
    if (known.some((name) => fitsGlob(parseGlob(pattern), name))) continue;
    const near = closestWord(pattern, known);
    complain(
      [...path, 'servers', at],
      pattern.includes('*') ? `no server fits ${pattern}` : `there is no server named ${pattern}`,
      known.length === 0 ? 'No server is configured.' : `Configured: ${known.slice(0, 20).join(', ')}.`,
      near === null ? 'Add it under servers, or remove this entry.' : `Did you mean ${near}?`,
    );
  }
  if (entry.auth.type !== 'none') return;
  const closed = config.routes.filter(({ server, auth }) => auth.type !== 'none' && isBehind(entry, server)).map(({ server }) => server);
  if (closed.length > 0) {
    const cause = `The route of ${closed.slice(0, 5).join(', ')} asks for a key: without one nothing of it is there.`;
    complain([...path, 'auth'], `${entry.name} is open, but not all of its servers are`, cause, 'Write auth: { type: apiKey } here, or open those routes too.');
  }
}

function isBehind(entry: VirtualServerEntry, server: string): boolean {
  return entry.servers.some((pattern) => fitsGlob(parseGlob(pattern), server));
}

function checkNames(checked: Checked, entry: VirtualServerEntry, kind: 'tools' | 'prompts', path: Path, complain: Complain): void {
  const renames = new Map<string, number>();
  const servers = checked.config.servers.filter(({ name }) => isBehind(entry, name));
  for (const [at, one] of entry[kind]?.entries() ?? []) {
    if (typeof one === 'string') continue;
    checkOwn(checked, entry, one.server, [...path, at], complain);
    if (one.rename === undefined) continue;
    const first = renames.get(one.rename);
    if (first !== undefined)
      complain([...path, at, 'rename'], `two ${kind} are renamed ${one.rename}`, `${kind}[${first}] has the name already.`, 'Give one of them another name.');
    else renames.set(one.rename, at);
    if (one.name.includes('*'))
      complain(
        [...path, at, 'rename'],
        `${one.name} can be several ${kind}`,
        'A name leads to one of them.',
        `Name one of the ${kind} exactly, or remove rename.`,
      );
    else if (one.server === undefined && servers.length > 1)
      complain(
        [...path, at, 'rename'],
        `${one.name} can be that of several servers`,
        'A name leads to one of them.',
        `Add server: ${servers[0]?.name ?? 'NAME'}`,
      );
  }
}

/** A selection of one server names one that is behind the entry. */
function checkOwn(checked: Checked, entry: VirtualServerEntry, server: string | undefined, path: Path, complain: Complain): void {
  if (server === undefined || (isBehind(entry, server) && (checked.leftOutServers.has(server) || checked.config.servers.some(({ name }) => name === server))))
    return;
  complain(
    [...path, 'server'],
    `${server} is not one of the servers of ${entry.name}`,
    `They are: ${entry.servers.join(', ')}.`,
    `Add it to servers, or remove this entry.`,
  );
}

function checkOpen({ config }: Checked, path: Path, address: string, complain: Complain): void {
  if (isLoopback(config.listen.host)) return;
  complain(
    path,
    'an address without authentication needs a loopback address',
    `The gateway listens on ${listenAddressText(config.listen)}, which other machines can reach: everyone there could call ${address}.`,
    'Write auth: { type: apiKey }, or listen on 127.0.0.1.',
    { unsafe: true },
  );
}
