import type { Principal } from '../authenticate/authenticate.ts';
import { bounds } from '../kernel/bounds.ts';
import type { Consultant } from '../consult/consultant.ts';
import { consultFailures } from '../kernel/consult-failures.ts';
import type { Grant, Operation, ThingKind } from '../authorise/access.ts';
import type { Route } from '../fabric/endpoint.ts';
import { Fault } from '../kernel/fault.ts';
import { listedFacts, type ToolFacts } from '../kernel/tool-facts.ts';
import { each, findValues, splice, type Edit, type FoundValue } from '../kernel/splice-json.ts';
import type { Message } from '../protocol/classify.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { factsWithRisk, findTool } from './known-tool.ts';
import type { Call } from './rail.ts';

/** Where policies meet a call, whichever way it takes: relayed, from the REST façade, or over the fabric. They decide on the body alone. */

/**
 * May they do this with that? `json` holds the request's `params` at `at`; its arguments are read only where somebody asks for them. A promise only
 * where a condition asks what is known of a tool, and that has to be asked of its server first; and where a policy engine is asked, of what the rules allow.
 * Faults: `unknown_tool`, `unknown_prompt`, `unknown_resource` for what is hidden, `policy_denied`, `approval_required`, `policy_error`.
 */
export function permitOperation(
  call: Call,
  server: Server,
  method: string,
  action: string | null,
  name: string,
  json: Buffer,
  at: readonly string[],
): null | Promise<void> {
  const { principal, snapshot } = call;
  if (principal === null) throw new Fault('unauthorized');
  const asked: Asked = { call, principal, server, method, action, name, json, at };
  const deciding = decideByRules(asked);
  const { consultant } = snapshot;
  if (consultant === null || !isConsulted(action)) return deciding;
  return deciding === null ? consultFor(asked, consultant) : deciding.then(() => consultFor(asked, consultant));
}

/** A request in question. */
interface Asked {
  readonly call: Call;
  readonly principal: Principal;
  readonly server: Server;
  readonly method: string;
  readonly action: string | null;
  readonly name: string;
  readonly json: Buffer;
  readonly at: readonly string[];
}

function argumentsText({ json, at }: Pick<Asked, 'json' | 'at'>): string | null {
  const found = findValues(json, [[...at, 'arguments']]).at(-1);
  return found === undefined ? null : json.toString('utf8', found.start, found.end);
}

function decideByRules(asked: Asked): null | Promise<void> {
  const { call, principal, server, method, action, name, json, at } = asked;
  const view = call.snapshot.access.viewOf(principal);
  const serverName = server.data.name;
  const opening = view.opening(serverName);
  if (opening !== null) {
    call.record.policy = opening.rule ?? '';
    return null;
  }
  const decide = (operation: Operation, tool: ToolFacts | null): void => {
    const grant = view.decide(principal, operation, {
      argumentsText: () => argumentsText(asked),
      ip: call.record.peer,
      tool: () => tool,
    });
    call.record.policy = grant.rule ?? '';
    if (grant.decision === 'allow') return;
    call.stop = 'access';
    // Its code says that there is no such thing; the record says what it was.
    call.isHidden = grant.decision === 'deny' && grant.hidden;
    throw refusal(grant, operation.kind, operation.name);
  };
  for (const thing of thingsOf(method, name, json, at)) {
    if (thing.kind === 'template') {
      if (!view.shows(serverName, 'template', thing.name)) throw unknown('resource', thing.name);
      continue;
    }
    const operation: Operation = { server: serverName, action, kind: thing.kind, name: thing.name };
    const tool = view.asksOfTool(operation) ? findTool(call, server, thing.name) : null;
    // A request names no thing beside a tool.
    if (tool instanceof Promise) return tool.then((found) => decide(operation, found));
    decide(operation, tool);
  }
  return null;
}

/** A policy engine is asked of what does something or reads something: not of handshakes and lists. */
export function isConsulted(action: string | null): action is string {
  return action !== null && !action.endsWith('.list');
}

/** Asks the engine of each thing that the request names. Faults: `policy_denied`, `approval_required`, `policy_error`. */
async function consultFor(asked: Asked, consultant: Consultant): Promise<void> {
  const { call, principal, server, method, action, name, json, at } = asked;
  const { record } = call;
  const things = thingsOf(method, name, json, at);
  const rule = record.policy === '' ? null : record.policy;
  const refuse = (policy: string, fault: Fault): Fault => {
    record.policy = policy;
    call.stop = 'access';
    return fault;
  };
  const few = `a request that names more than ${bounds.opaThingsMax} things is not asked of it`;
  if (things.length > bounds.opaThingsMax) throw refuse(consultant.name, new Fault('policy_error', { reason: few }));
  for (const thing of things) {
    const opinion = await consultant.ask({
      principal,
      operation: { server: server.data.name, action, kind: thing.kind, name: thing.name },
      argumentsText: argumentsText(asked),
      tool: thing.kind === 'tool' ? await findTool(call, server, thing.name) : null,
      ip: record.peer,
      nowMs: Date.now(),
      rule,
    });
    record.decisionId = opinion.decisionId;
    if (opinion.decision === 'allow') continue;
    const policy = consultant.name;
    if (opinion.decision === 'none') throw refuse(policy, new Fault('policy_error', { reason: consultFailures[opinion.reason] }));
    const reason = opinion.reason ?? `${policy} ${opinion.decision === 'deny' ? 'denies it' : 'holds it for approval'}`;
    throw refuse(policy, new Fault(opinion.decision === 'deny' ? 'policy_denied' : 'approval_required', { policy, reason }));
  }
}

function refusal(grant: Exclude<Grant, { decision: 'allow' }>, kind: ThingKind | null, name: string): Fault {
  if (grant.decision === 'hold') return new Fault('approval_required', { policy: grant.rule, reason: grant.reason });
  if (!grant.hidden) return new Fault('policy_denied', { policy: grant.rule ?? 'no policy allows it', reason: grant.reason });
  return kind === null ? new Fault('forbidden', { reason: grant.reason }) : unknown(kind, name);
}

const unknownCodes = { tool: 'unknown_tool', prompt: 'unknown_prompt', resource: 'unknown_resource' } as const;

function unknown(kind: ThingKind, name: string): Fault {
  return new Fault(unknownCodes[kind], { name: name.slice(0, 256) });
}

/** The same for a request whose server is found by now; of a list of a single server, what the caller may not use is taken out. Faults: as above. */
export async function permitRoute(call: Call, { method, row }: Pick<Message, 'method' | 'row'>, route: Route): Promise<Route> {
  // Of one server it has been asked before; behind an endpoint of many the server is known only now.
  const asking = call.endpoint === null ? null : permitOperation(call, route.server, method, row.action, route.name, Buffer.from(route.params), []);
  if (asking !== null) await asking;
  const filter = listFilter(call, route.server, method);
  if (filter === null) return route;
  return {
    ...route,
    rewriteResult: (result) => filter(Buffer.from(route.rewriteResult(result))).toString('utf8'),
    rewriteNotification: (json) => route.rewriteNotification(json),
    rewriteAsk: (ask) => route.rewriteAsk(ask),
  };
}

interface Thing {
  readonly kind: ThingKind | 'template' | null;
  readonly name: string;
}

const nothing: readonly Thing[] = [{ kind: null, name: '' }];
const uriMethods: ReadonlySet<string> = new Set(['resources/read', 'resources/directory/read', 'resources/subscribe', 'resources/unsubscribe']);

/** What a request names. */
function thingsOf(method: string, name: string, json: Buffer, at: readonly string[]): readonly Thing[] {
  if (method === 'tools/call') return [{ kind: 'tool', name }];
  if (method === 'prompts/get') return [{ kind: 'prompt', name }];
  if (uriMethods.has(method)) return [{ kind: 'resource', name: name === '' ? textAt(json, [...at, 'uri']) : name }];
  if (method === 'completion/complete') {
    return textAt(json, [...at, 'ref', 'type']) === 'ref/prompt'
      ? [{ kind: 'prompt', name: textAt(json, [...at, 'ref', 'name']) }]
      : [{ kind: 'template', name: textAt(json, [...at, 'ref', 'uri']) }];
  }
  if (method === 'subscriptions/listen') {
    const asked = findValues(json, [[...at, 'notifications', 'resourceSubscriptions', each]]);
    const uris = asked.flatMap(({ start, end }) => textOf(json, start, end) ?? []);
    return [...nothing, ...uris.map((uri): Thing => ({ kind: 'resource', name: uri }))];
  }
  return nothing;
}

function textAt(json: Buffer, path: readonly string[]): string {
  const found = findValues(json, [path]).at(-1);
  return (found && textOf(json, found.start, found.end)) ?? '';
}

function textOf(json: Buffer, start: number, end: number): string | null {
  const value: unknown = JSON.parse(json.toString('utf8', start, end));
  return typeof value === 'string' ? value : null;
}

const lists: ReadonlyMap<string, { readonly member: string; readonly key: string; readonly kind: ThingKind | 'template' }> = new Map([
  ['tools/list', { member: 'tools', key: 'name', kind: 'tool' }],
  ['prompts/list', { member: 'prompts', key: 'name', kind: 'prompt' }],
  ['resources/list', { member: 'resources', key: 'uri', kind: 'resource' }],
  ['resources/templates/list', { member: 'resourceTemplates', key: 'uriTemplate', kind: 'template' }],
]);

/** Takes out of a list of this server what the caller may not use; null where there is nothing to take out. `json` holds the result at `at`. */
export function listFilter(call: Call, server: Server, method: string): ((json: Buffer, at?: readonly string[]) => Buffer) | null {
  const list = lists.get(method);
  const { principal } = call;
  if (list === undefined || principal === null) return null;
  const view = call.snapshot.access.viewOf(principal);
  if (view.opening(server.data.name) !== null) return null;
  return (json, at = []) => {
    const member = [...at, list.member];
    // Two readers could disagree on which of twins counts.
    if (findValues(json, [member]).length > 1)
      throw new Fault('upstream_invalid', { server: server.data.name, reason: `its list has two members \`${list.member}\`` });
    const entries: FoundValue[] = [];
    const kept: FoundValue[] = [];
    let name: string | null = null;
    // What is inside an entry comes before it.
    for (const found of findValues(json, [
      [...member, each],
      [...member, each, list.key],
    ])) {
      if (found.path === 1) {
        name = textOf(json, found.start, found.end);
        continue;
      }
      entries.push(found);
      const { start, end } = found;
      const tool = name;
      const listed = (): ToolFacts | null =>
        tool === null ? null : factsWithRisk(call.snapshot, server.data.name, tool, listedFacts(JSON.parse(json.toString('utf8', start, end))));
      if (name !== null && view.shows(server.data.name, list.kind, name, listed)) kept.push(found);
      name = null;
    }
    // Others may see more, or less: nobody between may keep it for all.
    const edits: Edit[] = findValues(json, [[...at, 'cacheScope']]).map(({ start, end }) => ({ start, end, text: '"private"' }));
    const [first] = entries;
    const last = entries.at(-1);
    if (first !== undefined && last !== undefined && kept.length < entries.length)
      edits.push({ start: first.start, end: last.end, text: kept.map(({ start, end }) => json.toString('utf8', start, end)).join(',') });
    return splice(
      json,
      edits.toSorted((a, b) => a.start - b.start),
    );
  };
}
