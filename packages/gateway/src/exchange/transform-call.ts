import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { findValues } from '../kernel/splice-json.ts';
import type { Route } from '../fabric/endpoint.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Transform, Transforms } from '../snapshot/compile-transforms.ts';
import { applyRequest, type Applied } from '../transform/apply-request.ts';
import { applyResponse } from '../transform/apply-response.ts';
import { TooManyValues } from '../transform/editable-json.ts';
import { mapHeaders } from '../transform/map-headers.ts';
import { mirrorHeaders } from './mirror-headers.ts';
import type { Call } from './rail.ts';

/** Where the rules of `transforms` meet a call, whichever way it takes: relayed, from the REST façade, or over the fabric. */

export interface TransformedRequest {
  readonly json: Buffer;
  /** `Mcp-Param-*` headers, flat. */
  readonly mirrored: readonly string[];
}

/**
 * The arguments of a `tools/call` as the server shall read them. `json` holds `params` at `at`; `mirrored` are the headers that came with it.
 * Faults: `argument_not_allowed`.
 */
export function transformRequest(
  call: Call,
  transforms: Transforms,
  tool: string,
  json: Buffer,
  at: readonly string[],
  mirrored: readonly string[],
): TransformedRequest {
  const entries = entriesFor(transforms, tool);
  if (entries.length === 0) return { json, mirrored };
  let out = json;
  const names: string[] = [];
  try {
    for (const { request } of entries) {
      if (request.length === 0) continue;
      const applied = applyRequest(request, out, at, (name) => names.push(name));
      out = applied.json;
      names.push(...applied.names);
    }
  } catch (thrown) {
    call.stop = 'guard';
    throw thrown instanceof TooManyValues
      ? new Fault('invalid_params', { reason: `the arguments have more values than rules can look at (${bounds.rewriteValuesMax})` })
      : thrown;
  } finally {
    noteRules(call, names);
    call.record.guardAt = performance.now();
  }
  if (names.length === 0) return { json, mirrored };
  if (mirrored.length === 0 && entries.every(({ mirrors }) => mirrors.length === 0)) return { json: out, mirrored };
  return { json: out, mirrored: mirrorHeaders(mirrored, argumentsOf(json, at), argumentsOf(out, at), entries) };
}

function responseApplied(rules: Transform['response'], json: Buffer, at: readonly string[], server: string): Applied {
  try {
    return applyResponse(rules, json, at);
  } catch (thrown) {
    if (!(thrown instanceof TooManyValues)) throw thrown;
    throw new Fault('upstream_invalid', { server, reason: `it has more values than response rules can look at (${bounds.rewriteValuesMax})` });
  }
}

/** Whether what this tool answers is changed, for which a reply must be whole. */
export function changesResult(transforms: Transforms | null, tool: string): boolean {
  return transforms !== null && transforms.entries.some(({ response, holdsFor }) => response.length > 0 && holdsFor(tool));
}

/** The result of a `tools/call` as the caller shall read it. `json` holds it at `at`; empty: it is the result. Faults: `upstream_invalid`. */
export function transformResult(call: Call, { transforms, data }: Server, tool: string, json: Buffer, at: readonly string[] = []): Buffer {
  if (transforms === null) return json;
  let out = json;
  for (const { response } of entriesFor(transforms, tool)) {
    if (response.length === 0) continue;
    const applied = responseApplied(response, out, at, data.name);
    out = applied.json;
    noteRules(call, applied.names);
  }
  return out;
}

/** A route to a tool with its rules: the arguments changed now, the result when it comes. Faults: `argument_not_allowed`. */
export function transformRoute(call: Call, method: string, route: Route): Route {
  const { transforms } = route.server;
  if (transforms === null || method !== 'tools/call') return route;
  const { json, mirrored } = transformRequest(call, transforms, route.name, Buffer.from(route.params), inParams, route.mirrored);
  return {
    ...route,
    params: json.toString('utf8'),
    mirrored,
    rewriteResult: (result) => route.rewriteResult(transformResult(call, route.server, route.name, Buffer.from(result)).toString('utf8')),
    rewriteNotification: (notification) => route.rewriteNotification(notification),
    rewriteAsk: (ask) => route.rewriteAsk(ask),
  };
}

/** The caller's headers that rules pass on to this server, flat. Faults: `invalid_request` where one comes twice. */
export function mappedHeaders(call: Call, { transforms }: Pick<Server, 'transforms'>): readonly string[] {
  if (transforms === null || !transforms.headers) return none;
  const tool = call.record.method === 'tools/call' ? call.record.name : null;
  const names: string[] = [];
  const headers = mapHeaders(transforms, tool, call.request.rawHeaders, (name) => names.push(name));
  noteRules(call, names);
  return headers;
}

/** Those that go with every message to this server, whatever it names, flat; not noted. Faults: as above. */
export function headersForAll(call: Call, { transforms }: Pick<Server, 'transforms'>): readonly string[] {
  return transforms === null || !transforms.headers ? none : mapHeaders(transforms, null, call.request.rawHeaders, () => undefined);
}

/** A refusal that a model can read and act on: it is answered as the tool's result, not as an error of the transport. */
export function refusesTool(call: Call, fault: Fault): boolean {
  return refusalCodes.has(fault.code) && call.record.method === 'tools/call';
}

const refusalCodes: ReadonlySet<string> = new Set(['forbidden', 'policy_denied', 'approval_required', 'argument_not_allowed']);

const none: readonly string[] = [];
const inParams: readonly string[] = [];
/** Characters of the record's column. */
const rulesCharsMax = 1000;

function entriesFor(transforms: Transforms, tool: string): readonly Transform[] {
  return transforms.entries.filter(({ holdsFor }) => holdsFor(tool));
}

/** Each rule once, in the order in which they were applied. */
function noteRules(call: Call, names: readonly string[]): void {
  if (names.length === 0) return;
  const { record } = call;
  const noted = record.transforms === '' ? [] : record.transforms.split('\n');
  const all = [...new Set([...noted, ...names])];
  while (all.length > 1 && all.join('\n').length > rulesCharsMax) all.pop();
  record.transforms = all.join('\n').slice(0, rulesCharsMax);
}

function argumentsOf(json: Buffer, at: readonly string[]): unknown {
  const found = findValues(json, [[...at, 'arguments']]).at(-1);
  return found === undefined ? undefined : JSON.parse(json.toString('utf8', found.start, found.end));
}
