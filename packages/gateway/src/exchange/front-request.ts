import { authoriseServer } from '../authorise/authorise.ts';
import { memberTexts } from '../fabric/edit-object.ts';
import { factsOfEntry } from '../fabric/listed-tools.ts';
import type { ClientFace } from '../fabric/dialogue.ts';
import type { EndpointCaller, OwnAnswer, Route } from '../fabric/endpoint.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { objectOf } from '../kernel/splice-json.ts';
import type { Message } from '../protocol/classify.ts';
import { ReplyDigest } from '../protocol/reply-digest.ts';
import { FrontReply } from './front-reply.ts';
import type { Call } from './rail.ts';
import { factsWithRisk } from './known-tool.ts';
import { settleReply } from './settle-reply.ts';
import { takesCaller } from './take-credential.ts';
import { headersForAll, mappedHeaders } from './transform-call.ts';
import { intend, pass, permit, recordedName, spend } from './stops.ts';

/** What the two fronts share: a request's parts, who asks, and answers that the gateway itself gives. */
export interface FrontParams {
  /** Members of `params` as they were written, `_meta` without the envelope. */
  readonly members: Map<string, string>;
  /** Members of `_meta`, all of them. */
  readonly meta: ReadonlyMap<string, string>;
}

const kinds = { tools: 'tool', prompts: 'prompt', resources: 'resource', templates: 'template' } as const;

export const metaPrefix = 'io.modelcontextprotocol/';
const envelopeKeys = ['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel'].map((key) => metaPrefix + key);

export function readParams(call: Call, body: Buffer): FrontParams {
  const members = memberTexts(memberTexts(body.toString('utf8')).get('params') ?? '{}');
  const meta = memberTexts(members.get('_meta') ?? '{}');
  const rest = new Map(meta);
  for (const key of envelopeKeys) rest.delete(key);
  if (rest.size > 0) members.set('_meta', objectOf(rest));
  else members.delete('_meta');
  return { members, meta };
}

/** The caller, as an endpoint wants to know it. */
export function callerOf(call: Call, face: Omit<ClientFace, 'principalId'>): EndpointCaller {
  const { principal } = call;
  if (principal === null) throw new Fault('unauthorized');
  const { snapshot } = call;
  const view = snapshot.access.viewOf(principal);
  return {
    face: { ...face, principalId: principal.id },
    // Who came without a key reaches what is open to all, by whichever address; who came with a token, what takes it.
    mayReach(server) {
      const known = snapshot.byName.get(server);
      return known !== undefined && takesCaller(known, principal) && authoriseServer(snapshot, principal, server).decision === 'allow';
    },
    accessKey: view.key,
    shows: (server, kind, name, entry) =>
      view.opening(server) !== null || view.shows(server, kinds[kind], name, () => entry && factsWithRisk(call.snapshot, server, name, factsOfEntry(entry))),
    forwarded: (server) => headersForAll(call, server),
  };
}

/** A list that the gateway has made of those of servers: whether it was at hand, and what the servers were sent of the caller's. */
export function noteListed(call: Call, { listed }: OwnAnswer): void {
  if (listed === undefined) return;
  for (const server of listed.servers) mappedHeaders(call, server);
  call.record.cache = listed.wasKept ? 'hit' : 'miss';
  // RFC 9211.
  call.headers.push('Cache-Status', listed.wasKept ? `gatewayops; hit; ttl=${Math.floor(listed.ttlMs / 1000)}` : 'gatewayops; fwd=miss');
}

/** Tasks are not routed: a server that may answer with one would answer with what nobody can ask after. */
const notCarried = `${metaPrefix}tasks`;

/** What servers are told that a client of 2026-07-28 can do: JSON text. */
export function carriedCapabilities(capabilities: string): string {
  if (!capabilities.includes('extensions')) return capabilities;
  const members = memberTexts(capabilities);
  const extensions = memberTexts(members.get('extensions') ?? '{}');
  return extensions.delete(notCarried) ? objectOf(members.set('extensions', objectOf(extensions))) : capabilities;
}

/** From here on the record is of the server that the request goes to, and of what is called there. */
export function enterRoute(call: Call, route: Route): void {
  call.server = route.server;
  call.record.name = recordedName(call.record.method, route.name);
}

/** Access and limit, where the call has not passed them already. */
export async function passStops(call: Call, message: Pick<Message, 'kind' | 'row'>): Promise<void> {
  if (call.stop === 'server') return;
  permit(call, message.row.action);
  // An answer to the server's own question is no call: to hold it back would leave the call that asked hanging.
  const waiting = message.kind === 'response' ? pass(call) : spend(call);
  if (waiting !== null) await waiting;
}

/** An answer of the gateway itself, recorded like any other. `text` is the whole JSON-RPC message, empty for none. */
export async function answerHere(
  call: Call,
  message: Pick<Message, 'kind' | 'method' | 'name'>,
  status: number,
  text: string,
  headers: readonly string[] = [],
): Promise<void> {
  await intend(call);
  await settleFront(call, message, status, text);
  new FrontReply(call, () => undefined).finish(status, text, headers);
}

export function resultText(call: Call, result: string): string {
  return `{"jsonrpc":"2.0","id":${call.idText ?? 'null'},"result":${result}}`;
}

export function errorText(call: Call, error: string): string {
  return `{"jsonrpc":"2.0","id":${call.idText ?? 'null'},"error":${error}}`;
}

/** The gateway's own answer with its name, as 2026-07-28 has it. */
export function withServerInfo({ result }: OwnAnswer, info: string): string {
  const members = memberTexts(result);
  members.set('_meta', objectOf(memberTexts(members.get('_meta') ?? '{}').set(`${metaPrefix}serverInfo`, info)));
  return objectOf(members);
}

export function settleFront(call: Call, message: Pick<Message, 'kind' | 'method' | 'name'>, status: number, text: string): Promise<void> {
  const { record } = call;
  if (record.firstByteAt === 0) record.firstByteAt = performance.now();
  record.httpStatus = status;
  if (text !== '') call.bodies?.addMessage(text);
  return settleReply(call, message, status, forRecord(Buffer.from(text)), false);
}

function forRecord(json: Buffer): Buffer {
  if (json.length <= bounds.replyTapBytesMax) return json;
  const digest = new ReplyDigest();
  digest.feed(json);
  return digest.json();
}
