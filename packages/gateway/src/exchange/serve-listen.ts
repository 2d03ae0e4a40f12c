import { memberTexts } from '../fabric/edit-object.ts';
import type { Interest, ServerEvent, ServerFacts } from '../fabric/dialogue.ts';
import type { Endpoint, EndpointCaller } from '../fabric/endpoint.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { objectOf } from '../kernel/splice-json.ts';
import { FrontReply } from './front-reply.ts';
import { metaPrefix, resultText, type FrontParams } from './front-request.ts';
import type { Call } from './rail.ts';
import { intend } from './stops.ts';

const changes = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
} as const;

/**
 * `subscriptions/listen` (2026-07-28, subscriptions): what is honoured first, then changes as they come, each with the id of the listen
 * request. Ends with a result when the worker drains. Faults: `invalid_params`, `not_acceptable`, `too_many_streams`.
 */
export async function serveListen(call: Call, endpoint: Endpoint, caller: EndpointCaller, params: FrontParams): Promise<void> {
  const honoured = honouredOf(params.members.get('notifications'), await endpoint.facts(caller));
  const interest: Interest = { ...noInterest, ...honoured, resourceUris: honoured.resourceSubscriptions ?? [] };
  const id = call.idText ?? 'null';
  const { streams } = call.rail;
  streams.enter(caller.face.principalId);
  try {
    await intend(call);
    const { promise, resolve } = Promise.withResolvers<void>();
    const finish = (): void =>
      void call.settle('success', 'reply').then(() => {
        reply.finish(200, resultText(call, `{"resultType":"complete","_meta":{"${metaPrefix}subscriptionId":${id}}}`));
        resolve();
      });
    const reply = new FrontReply(call, () => void call.settle('cancelled', 'reply').then(resolve), finish);
    if (!reply.takesEvents) throw reply.left ? new Fault('invalid_request', { reason: 'the client has left' }) : new Fault('not_acceptable');
    reply.event(
      `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":${JSON.stringify(honoured)},"_meta":{"${metaPrefix}subscriptionId":${id}}}}`,
    );
    const end = Object.keys(honoured).length === 0 ? finish() : endpoint.watch(caller, interest, (event) => reply.event(eventJson(event, id)));
    await promise;
    end?.();
  } finally {
    streams.leave(caller.face.principalId);
  }
}

/** The notification of a change; stamped with the id of a listen request, or in the words of a version before there were any. */
export function eventJson(event: ServerEvent, listenId: string | null): string {
  if (event.kind !== 'resourceUpdated')
    return `{"jsonrpc":"2.0","method":"${changes[event.kind]}"${listenId === null ? '' : `,"params":{"_meta":{"${metaPrefix}subscriptionId":${listenId}}}`}}`;
  const members = memberTexts(event.json.toString('utf8'));
  const params = memberTexts(members.get('params') ?? '{}');
  const meta = memberTexts(params.get('_meta') ?? '{}');
  meta.delete(`${metaPrefix}subscriptionId`);
  if (listenId !== null) meta.set(`${metaPrefix}subscriptionId`, listenId);
  if (meta.size > 0) params.set('_meta', objectOf(meta));
  else params.delete('_meta');
  return objectOf(members.set('params', objectOf(params)));
}

const noInterest = { toolsListChanged: false, promptsListChanged: false, resourcesListChanged: false };

interface Honoured {
  toolsListChanged?: true;
  promptsListChanged?: true;
  resourcesListChanged?: true;
  resourceSubscriptions?: string[];
}

/** What of the wish can be kept, by what the endpoint says that it tells. */
function honouredOf(notifications: string | undefined, facts: ServerFacts): Honoured {
  if (notifications?.startsWith('{') !== true) throw new Fault('invalid_params', { reason: '`params.notifications` must be an object' });
  const wish = JSON.parse(notifications) as Readonly<Record<string, unknown>>;
  const { tools, prompts, resources } = JSON.parse(facts.capabilities) as Readonly<Record<string, { listChanged?: unknown; subscribe?: unknown } | undefined>>;
  const honoured: Honoured = {};
  if (wish['toolsListChanged'] === true && tools?.listChanged === true) honoured.toolsListChanged = true;
  if (wish['promptsListChanged'] === true && prompts?.listChanged === true) honoured.promptsListChanged = true;
  if (wish['resourcesListChanged'] === true && resources?.listChanged === true) honoured.resourcesListChanged = true;
  const uris = wish['resourceSubscriptions'];
  if (uris === undefined) return honoured;
  if (!Array.isArray(uris) || uris.length > bounds.gatewaySessionSubscriptionsMax || !uris.every((uri) => typeof uri === 'string'))
    throw new Fault('invalid_params', { reason: `\`resourceSubscriptions\` must be a list of at most ${bounds.gatewaySessionSubscriptionsMax} URIs` });
  if (resources?.subscribe === true && uris.length > 0) honoured.resourceSubscriptions = uris;
  return honoured;
}
