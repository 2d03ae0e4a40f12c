/** Against the official SDK's server, of one era and of both. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { startReference } from '../../../../test/support/reference.ts';
import { plainServerData } from '../../../../test/support/server-data.ts';
import type { Fault } from '../kernel/fault.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { createUpstreams, type Upstreams } from '../upstream/upstreams.ts';
import type { Answer, Ask, ClientFace, Dialogue, DialogueRequest, DialogueResponse, ServerEvent, Servers } from './dialogue.ts';
import { createServers } from './servers.ts';

type Reference = Awaited<ReturnType<typeof startReference>>;

const capable = '{"elicitation":{"form":{}},"sampling":{},"roots":{}}';
const face: ClientFace = { principalId: 'key_a', capabilities: '{}', info: '{"name":"tests","version":"1"}', logLevel: null };
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';

const references: Partial<Record<'modern' | 'legacy' | 'dual', Reference>> = {};
let upstreams: Upstreams;
let servers: Servers;
beforeAll(async () => {
  for (const era of ['modern', 'legacy', 'dual'] as const) references[era] = await startReference(era);
});
beforeEach(() => {
  upstreams = createUpstreams(systemClock);
  servers = createServers({ upstreams, clock: systemClock, log: silentLog });
});
afterEach(async () => {
  servers.close();
  await upstreams.close();
});
afterAll(async () => {
  for (const reference of Object.values(references)) await reference.stop();
});

function serverOf(era: 'modern' | 'legacy' | 'dual'): Server {
  return at(references[era]?.url ?? '');
}

function at(url: string): Server {
  const { origin, pathname } = new URL(url);
  return { data: plainServerData({ name: 'reference', origin, upstreamPath: pathname, timeoutMs: 3_000 }) } as unknown as Server;
}

interface Told {
  readonly notifications: string[];
  readonly asks: Ask[];
  readonly dialogue: Dialogue;
  readonly end: Promise<DialogueResponse>;
}

function call(server: Server, name: string, more: Partial<DialogueRequest> = {}, answer?: (ask: Ask) => Answer): Told {
  return begin({ server, method: 'tools/call', params: `{"name":"${name}","arguments":{}}`, name, ...more }, answer);
}

function begin(more: Partial<DialogueRequest> & { server: Server; method: string }, answer?: (ask: Ask) => Answer): Told {
  const notifications: string[] = [];
  const asks: Ask[] = [];
  let dialogue: Dialogue | null = null;
  const end = new Promise<DialogueResponse>((resolve, reject) => {
    dialogue = servers.begin(
      { face, params: '{}', name: '', mirrored: [], traceparent, inputs: 'ask', ...more },
      {
        notification: (json) => notifications.push(json.toString()),
        ask(ask) {
          asks.push(ask);
          if (answer) dialogue?.answer(ask.key, answer(ask));
        },
        response: resolve,
        failed: (fault: Fault) => reject(fault),
      },
    );
  });
  if (dialogue === null) throw new Error('it began nothing');
  return { notifications, asks, dialogue, end };
}

async function textOf(told: Told): Promise<string> {
  const response = await told.end;
  if (response.kind === 'error') return `error ${response.code} ${response.httpStatus}`;
  const result = JSON.parse(response.result) as { resultType: string; content: { text: string }[] };
  return `${result.resultType}: ${result.content.map(({ text }) => text).join('|')}`;
}

describe('which eras a server serves', () => {
  test.each([
    ['modern', { modern: true, legacy: false }],
    ['legacy', { modern: false, legacy: true }],
    ['dual', { modern: true, legacy: true }],
  ] as const)('of a %s one', async (era, expected) => {
    expect(servers.erasOf(serverOf(era))).toBeNull();
    expect(await servers.findEras(serverOf(era))).toEqual(expected);
    expect(servers.erasOf(serverOf(era))).toEqual(expected);
  });

  test('of one that cannot be reached is a fault, and nothing is kept', async () => {
    const gone = at('http://127.0.0.1:1/mcp');
    await expect(servers.findEras(gone)).rejects.toMatchObject({ code: 'upstream_unreachable' });
    expect(servers.erasOf(gone)).toBeNull();
    await expect(call(gone, 'x').end).rejects.toMatchObject({ code: 'upstream_unreachable' });
  });
});

describe.each(['modern', 'legacy'] as const)('a %s server', (era) => {
  test('answers in the words of 2026-07-28', async () => {
    expect(await textOf(call(serverOf(era), 'test_simple_text'))).toBe('complete: This is a simple text response for testing.');
    const list = await begin({ server: serverOf(era), method: 'tools/list' }).end;
    expect(list.kind === 'result' && JSON.parse(list.result)).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
  });

  test('says what it is', async () => {
    const facts = await servers.facts(serverOf(era), face);
    expect(facts).toMatchObject({ era, info: '{"name":"gatewayops-reference","version":"1.0.0"}', instructions: null });
    expect(JSON.parse(facts.capabilities)).toMatchObject({ tools: { listChanged: true }, resources: { subscribe: true } });
  });

  test('an unknown method, tool and resource are its own errors', async () => {
    expect(await textOf(begin({ server: serverOf(era), method: 'tasks/get', params: '{"taskId":"x"}', name: 'x' }))).toBe('error -32601 404');
    const read = await begin({ server: serverOf(era), method: 'resources/read', params: '{"uri":"test://none"}', name: 'test://none' }).end;
    expect(read).toMatchObject({ kind: 'error', code: -32_602, httpStatus: 200 });
  });

  test('reports progress under the token of the caller, as it was written', async () => {
    // The SDK's server of 2026-07-28 takes no larger number.
    for (const token of ['"p\\u0031"', '7', ...(era === 'legacy' ? ['123456789012345678901234567890'] : [])]) {
      const params = `{"name":"test_tool_with_progress","arguments":{},"_meta":{"progressToken":${token}}}`;
      const told = call(serverOf(era), 'test_tool_with_progress', { params });
      await told.end;
      // What passes through the SDK is written as it writes.
      const expected = era === 'modern' ? JSON.stringify(JSON.parse(token)) : token;
      expect(told.notifications.map((json) => /"progressToken":("[^"]*"|[^,}]+)/.exec(json)?.[1])).toEqual([expected, expected, expected]);
    }
  });

  test('hands on log messages to who asked for their level, and to nobody else', async () => {
    const levels = [null, 'error', 'info'];
    const told = levels.map((logLevel) => call(serverOf(era), 'test_tool_with_logging', { face: { ...face, logLevel } }));
    await Promise.all(told.map(({ end }) => end));
    const counts = told.map(({ notifications }) => notifications.length);
    expect(era === 'legacy' ? counts : counts.slice(2)).toEqual(era === 'legacy' ? [0, 0, 3] : [3]);
  });

  test('asks, and goes on with the answers', async () => {
    const answers: Record<string, string> = {
      'elicitation/create': '{"action":"accept","content":{"name":"Ada"}}',
      'sampling/createMessage': '{"role":"assistant","model":"m","content":{"type":"text","text":"Paris"}}',
      'roots/list': '{"roots":[{"uri":"file:///a"}]}',
    };
    const answer = ({ method }: Ask): Answer => ({ result: answers[method] ?? '{}' });
    const asking = { face: { ...face, capabilities: capable } };
    expect(await textOf(call(serverOf(era), 'test_input_required_result_elicitation', asking, answer))).toBe('complete: Hello, Ada!');
    const many = call(serverOf(era), 'test_input_required_result_multiple_inputs', asking, answer);
    expect(await textOf(many)).toBe('complete: Paris Ada: 1 root(s) visible');
    expect(new Set(many.asks.map(({ key }) => key)).size).toBe(3);
  });

  test('is cancelled', async () => {
    const told = call(serverOf(era), 'test_input_required_result_elicitation', { face: { ...face, capabilities: capable } });
    await until(() => told.asks[0]);
    told.dialogue.cancel();
    expect(await textOf(call(serverOf(era), 'test_simple_text'))).toContain('simple text');
  });
});

test('input is handed on where the client retries by itself', async () => {
  const told = call(serverOf('modern'), 'test_input_required_result_elicitation', { face: { ...face, capabilities: capable }, inputs: 'return' });
  const response = await told.end;
  expect(response.kind === 'result' && JSON.parse(response.result)).toMatchObject({ resultType: 'input_required', inputRequests: { user_name: {} } });
  expect(told.asks).toEqual([]);
});

test('a legacy stream that the server closes is taken up again', async () => {
  expect(await textOf(call(serverOf('legacy'), 'test_reconnection'))).toContain('completed successfully');
});

test('a question that the client did not declare never reaches it', async () => {
  const told = call(serverOf('legacy'), 'test_elicitation', { params: '{"name":"test_elicitation","arguments":{"message":"?"}}' });
  await told.end;
  expect(told.asks).toEqual([]);
});

describe('changes', () => {
  test('are told to those who watch', async () => {
    const events: ServerEvent[] = [];
    const interest = { toolsListChanged: true, promptsListChanged: false, resourcesListChanged: false, resourceUris: [] };
    const end = servers.watch(serverOf('modern'), face, interest, (event) => events.push(event));
    await until(async () => {
      await call(serverOf('modern'), 'test_trigger_tool_change').end;
      await call(serverOf('modern'), 'test_trigger_prompt_change').end;
      return events.length > 0;
    });
    end();
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['toolsListChanged']));
  });
});
