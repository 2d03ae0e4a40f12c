/** Dialogues with servers as the fabric has them, for tests: what a sink was told, and a worker's `Servers`. */
import { noConsultant } from './no-consultant.ts';
import { compileRisks } from '../../packages/gateway/src/authorise/tool-risk.ts';
import { organizationSteps } from '../../packages/gateway/src/authorise/organizations.ts';
import type { Answer, Ask, ClientFace, Dialogue, DialogueRequest, DialogueResponse, Servers } from '../../packages/gateway/src/fabric/dialogue.ts';
import { createServers } from '../../packages/gateway/src/fabric/servers.ts';
import { systemClock, type Clock } from '../../packages/gateway/src/kernel/clock.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { compileSnapshot, type Server } from '../../packages/gateway/src/snapshot/compile-snapshot.ts';
import { membersRule } from './members-rule.ts';
import type { ServerData } from '../../packages/gateway/src/snapshot/snapshot.ts';
import { createUpstreams } from '../../packages/gateway/src/upstream/upstreams.ts';
import { plainServerData } from './server-data.ts';

export interface TestServers extends Servers {
  stop(): Promise<void>;
}

export function startServers(clock: Clock = systemClock): TestServers {
  const upstreams = createUpstreams(clock);
  const servers = createServers({ upstreams, clock, log: silentLog });
  return {
    ...servers,
    async stop() {
      await servers.close();
      await upstreams.close();
    },
  };
}

/** The server at an address, as a snapshot has it. */
export function serverAt(url: string, more: Partial<ServerData> = {}): Server {
  const { origin, pathname } = new URL(url);
  const data = plainServerData({ origin, upstreamPath: pathname, timeoutMs: 3_000, ...more });
  const snapshot = compileSnapshot(
    { version: 1, organizationId: 'o', node: 'n', hosts: null, origins: [], bodyBytesMax: 1_000, currency: 'USD', policies: [membersRule], servers: [data] },
    {
      encodeServer: () => new Uint8Array(),
      compileAccess: (organizations, before) => organizationSteps(organizations, systemClock, before),
      compileRisks,
      openConsultant: noConsultant,
    },
  );
  const server = snapshot.byName.get(data.name);
  if (!server) throw new Error('the snapshot has no such server');
  return server;
}

export const testFace: ClientFace = { principalId: 'key_a', capabilities: '{}', info: '{"name":"tests","version":"1"}', logLevel: null };
/** One whose client answers every kind of question. */
export const askedFace: ClientFace = { ...testFace, capabilities: '{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}}' };
export const testTraceparent = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';

/** A request, and what came of it so far. */
export interface Told {
  readonly notifications: string[];
  readonly asks: Ask[];
  readonly withdrawn: { readonly key: string; readonly reason: string | null }[];
  /** Ids of elicitations at addresses. */
  readonly completed: string[];
  readonly dialogue: Dialogue;
  /** Rejects with the fault. */
  readonly end: Promise<DialogueResponse>;
}

/** Begins a request; `answer` answers what is asked at once, without it the test does. */
export function begin(servers: Servers, request: Partial<DialogueRequest> & Pick<DialogueRequest, 'server' | 'method'>, answer?: (ask: Ask) => Answer): Told {
  const notifications: string[] = [];
  const asks: Ask[] = [];
  const withdrawn: { key: string; reason: string | null }[] = [];
  const completed: string[] = [];
  const { promise: end, resolve, reject } = Promise.withResolvers<DialogueResponse>();
  const dialogue = servers.begin(
    { face: testFace, params: '{}', name: '', mirrored: [], traceparent: testTraceparent, inputs: 'ask', ...request },
    {
      notification: (json) => notifications.push(json.toString()),
      ask(ask) {
        asks.push(ask);
        if (answer) dialogue.answer(ask.key, answer(ask));
      },
      withdrawn: (key, reason) => withdrawn.push({ key, reason }),
      completed: (elicitationId) => completed.push(elicitationId),
      response: resolve,
      failed: reject,
    },
  );
  return { notifications, asks, withdrawn, completed, dialogue, end };
}

/** `tools/call` without arguments. */
export function callTool(servers: Servers, server: Server, name: string, more: Partial<DialogueRequest> = {}, answer?: (ask: Ask) => Answer): Told {
  return begin(servers, { server, method: 'tools/call', params: `{"name":"${name}","arguments":{}}`, name, ...more }, answer);
}
