import { isMap, isSeq, parseDocument, type Document, type YAMLMap } from 'yaml';
import type { ObjectPlace } from '../../config/object-places.ts';
import { Fault } from '../../kernel/fault.ts';
import { fitsGlob, parseGlob } from '../../kernel/glob.ts';
import { writePolicy, type PolicyData } from '../../kernel/policy.ts';
import { writePrices, type PriceList } from '../../kernel/price-list.ts';
import type { SwitchData } from '../../kernel/switch.ts';
import type { ServerOrder, Routing } from '../../snapshot/server-order.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';

/**
 * The gateway.yaml that says what serves now: the file as it is on disk, with its comments, and in it what was set while the gateway ran:
 * servers, routes and other things of the configuration, prices, policies, active targets, canaries and weights. What a file cannot say stands in a comment; what is said of a server that is gone
 * would be refused in a file, and stands there too. Faults: `unavailable`.
 */
export async function exportConfig(context: ControlContext): Promise<string> {
  const { config, objects, upstreams, backup, clock, registry, organizationId } = context;
  const { text } = backup.configuration();
  const document = parseDocument(text === null ? withoutFile(context) : text.toString('utf8'));
  if (document.errors.length > 0 || !isMap(document.contents))
    throw new Fault('unavailable', { reason: 'the file on disk is no YAML any more; `gateway validate` says where, and what serves is older than it' });
  const notes = [`What served at ${new Date(clock.nowMs()).toISOString()}${config.file === null ? '' : `: ${config.file}, and what was set beside it`}.`];
  const servers = config.servers.map(({ name }) => name);
  for (const place of objects.places()) addObject(document, place);
  const left = (text: string): void => void notes.push(`Not in it: ${text}`);
  for (const [key, reason] of objects.resting()) left(`${key}, which does not serve here: ${JSON.stringify(reason)}.`);
  const prices = await registry.prices.inForce(organizationId, clock.nowMs(), null);
  if (config.pricing === null && prices !== null) document.setIn(['pricing'], document.createNode(writePrices(pricesOf(prices.list, servers, left))));
  const policies = await registry.access.policies(organizationId);
  if (config.policies === null) {
    const rules = policies.flatMap(({ data }) => policyOf(data, servers, left));
    document.setIn(['policies'], document.createNode(rules.map(writePolicy)));
  }
  for (const off of await registry.access.switches(organizationId)) left(switchText(off));
  for (const { name } of config.servers) {
    const order = upstreams.asked(name);
    if (order === null) continue;
    const server = serverNode(document, name);
    if (server === null) left(`what was asked of ${name}, which the file does not write as a server of its own.`);
    else setOrder(document, server, order, upstreams.routing(name, order));
    const drained = Object.entries(order.targets).flatMap(([target, { draining }]) => (draining ? [target] : []));
    if (drained.length > 0) left(`${name} drains ${drained.join(', ')}, which no file says.`);
  }
  document.commentBefore = [...notes.map((note) => ` ${note}`), ...(document.commentBefore ? [document.commentBefore] : [])].join('\n');
  await registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'config.exported', config.file ?? 'environment', {})));
  return document.toString({ lineWidth: 0 });
}

function addObject(document: Document, { at, isEntry, value }: ObjectPlace): void {
  if (!isEntry) return document.setIn([...at], document.createNode(value));
  const there = document.getIn([...at], true);
  if (isSeq(there)) there.add(document.createNode(value));
  else document.setIn([...at], document.createNode([value]));
}

/** The servers that the environment names. */
function withoutFile({ config }: ControlContext): string {
  const servers = config.servers.flatMap((server) => (server.transport === 'http' ? [{ name: server.name, url: server.url }] : []));
  return JSON.stringify({ version: 1, servers });
}

function pricesOf(list: PriceList, servers: readonly string[], left: (text: string) => void): PriceList {
  const gone = new Set(list.overrides.map(({ server }) => server).filter((server) => !servers.includes(server)));
  for (const server of gone) left(`the prices of ${server}, a server that is gone.`);
  return { ...list, overrides: list.overrides.filter(({ server }) => !gone.has(server)) };
}

/** The rule for the servers that there are; none where it is for others only, and holds for nothing. */
function policyOf(data: PolicyData, servers: readonly string[], left: (text: string) => void): readonly PolicyData[] {
  const known = data.servers.filter((pattern) => pattern === '*' || servers.some((name) => fitsGlob(parseGlob(pattern), name)));
  const gone = data.servers.filter((pattern) => !known.includes(pattern));
  if (gone.length > 0) left(`the policy ${data.name} for ${gone.map((pattern) => JSON.stringify(pattern)).join(', ')}, which no server is called.`);
  return known.length === 0 ? [] : [{ ...data, servers: known }];
}

/** Texts of others stand in quotes, on one line. */
function switchText({ kind, name, reason, untilMs }: SwitchData): string {
  const until = untilMs === null ? '' : ` until ${new Date(untilMs).toISOString()}`;
  return `${kind} ${JSON.stringify(name)} is switched off${until} (${JSON.stringify(reason)}), which no file says: \`gateway ${kind}s disable\` does, elsewhere too.`;
}

function serverNode(document: Document, name: string): YAMLMap | null {
  const servers = document.get('servers');
  const found = isSeq(servers) ? servers.items.find((item) => isMap(item) && item.get('name') === name) : undefined;
  return isMap(found) ? found : null;
}

function setOrder(document: Document, server: YAMLMap, order: ServerOrder, { active, canary }: Routing): void {
  if (order.routing !== null) {
    setOrDelete(document, server, 'active', active);
    setOrDelete(
      document,
      server,
      'canary',
      canary && {
        target: canary.target,
        share: canary.sharePercent,
        ...(canary.header === null ? {} : { header: { ...canary.header } }),
        ...(canary.principals.length === 0 ? {} : { principals: [...canary.principals] }),
      },
    );
  }
  const targets = server.get('targets');
  if (!isSeq(targets)) return;
  for (const target of targets.items) {
    const weight = isMap(target) ? order.targets[String(target.get('name'))]?.weight : null;
    if (isMap(target) && weight) target.set('weight', weight.asked);
  }
}

function setOrDelete(document: Document, map: YAMLMap, name: string, value: unknown): void {
  if (value === null) map.delete(name);
  else map.set(name, document.createNode(value));
}
