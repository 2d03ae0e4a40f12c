/** Against the official SDK's server, of one era and of both. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { askedFace, begin, callTool, serverAt, startServers, testFace, type TestServers, type Told } from '../../../../test/support/dialogues.ts';
import { until } from '../../../../test/support/poll.ts';
import { startReference } from '../../../../test/support/reference.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Answer, Ask, ServerEvent } from './dialogue.ts';

type Reference = Awaited<ReturnType<typeof startReference>>;

const references: Partial<Record<'modern' | 'legacy' | 'dual', Reference>> = {};
let servers: TestServers;
beforeAll(async () => {
  for (const era of ['modern', 'legacy', 'dual'] as const) references[era] = await startReference(era);
});
beforeEach(() => {
  servers = startServers();
});
afterEach(() => servers.stop());
afterAll(async () => {
  for (const reference of Object.values(references)) await reference.stop();
});

function serverOf(era: 'modern' | 'legacy' | 'dual'): Server {
  return serverAt(references[era]?.url ?? '');
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
    for (const [wanted, serves] of Object.entries(expected) as ['modern' | 'legacy', boolean][]) {
      expect(servers.serves(serverOf(era), wanted)).toBeNull();
      expect(await servers.findIfServes(serverOf(era), wanted)).toBe(serves);
      expect(servers.serves(serverOf(era), wanted)).toBe(serves);
    }
  });

  test('of one that cannot be reached is a fault, and nothing is kept', async () => {
    const gone = serverAt('http://127.0.0.1:1/mcp');
    await expect(servers.findIfServes(gone, 'modern')).rejects.toMatchObject({ code: 'upstream_unreachable' });
    expect(servers.serves(gone, 'modern')).toBeNull();
    await expect(callTool(servers, gone, 'x').end).rejects.toMatchObject({ code: 'upstream_unreachable' });
  });
});

describe.each(['modern', 'legacy'] as const)('a %s server', (era) => {
  test('answers in the words of 2026-07-28', async () => {
    expect(await textOf(callTool(servers, serverOf(era), 'test_simple_text'))).toBe('complete: This is a simple text response for testing.');
    const list = await begin(servers, { server: serverOf(era), method: 'tools/list' }).end;
    expect(list.kind === 'result' && JSON.parse(list.result)).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
  });

  test('says what it is', async () => {
    const facts = await servers.facts(serverOf(era), testFace);
    expect(facts).toMatchObject({ era, info: '{"name":"gatewayops-reference","version":"1.0.0"}', instructions: null });
    expect(JSON.parse(facts.capabilities)).toMatchObject({ tools: { listChanged: true }, resources: { subscribe: true } });
  });

  test('an unknown method, tool and resource are its own errors', async () => {
    expect(await textOf(begin(servers, { server: serverOf(era), method: 'tasks/get', params: '{"taskId":"x"}', name: 'x' }))).toBe('error -32601 404');
    const read = await begin(servers, { server: serverOf(era), method: 'resources/read', params: '{"uri":"test://none"}', name: 'test://none' }).end;
    expect(read).toMatchObject({ kind: 'error', code: -32_602, httpStatus: 200 });
  });

  test('reports progress under the token of the caller, as it was written', async () => {
    // The SDK's server of 2026-07-28 takes no larger number.
    for (const token of ['"p\\u0031"', '7', ...(era === 'legacy' ? ['123456789012345678901234567890'] : [])]) {
      const params = `{"name":"test_tool_with_progress","arguments":{},"_meta":{"progressToken":${token}}}`;
      const told = callTool(servers, serverOf(era), 'test_tool_with_progress', { params });
      await told.end;
      // What passes through the SDK is written as it writes.
      const expected = era === 'modern' ? JSON.stringify(JSON.parse(token)) : token;
      expect(told.notifications.map((json) => /"progressToken":("[^"]*"|[^,}]+)/.exec(json)?.[1])).toEqual([expected, expected, expected]);
    }
  });

  test('hands on log messages to who asked for their level, and to nobody else', async () => {
    const levels = [null, 'error', 'info'];
    const told = levels.map((logLevel) => callTool(servers, serverOf(era), 'test_tool_with_logging', { face: { ...testFace, logLevel } }));
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
    const asking = { face: askedFace };
    expect(await textOf(callTool(servers, serverOf(era), 'test_input_required_result_elicitation', asking, answer))).toBe('complete: Hello, Ada!');
    const many = callTool(servers, serverOf(era), 'test_input_required_result_multiple_inputs', asking, answer);
    expect(await textOf(many)).toBe('complete: Paris Ada: 1 root(s) visible');
    expect(new Set(many.asks.map(({ key }) => key)).size).toBe(3);
  });

  test('is cancelled', async () => {
    const told = callTool(servers, serverOf(era), 'test_input_required_result_elicitation', { face: askedFace });
    await until(() => told.asks[0]);
    told.dialogue.cancel();
    expect(await textOf(callTool(servers, serverOf(era), 'test_simple_text'))).toContain('simple text');
  });
});

test('input is handed on where the client retries by itself', async () => {
  const told = callTool(servers, serverOf('modern'), 'test_input_required_result_elicitation', { face: askedFace, inputs: 'return' });
  const response = await told.end;
  expect(response.kind === 'result' && JSON.parse(response.result)).toMatchObject({ resultType: 'input_required', inputRequests: { user_name: {} } });
  expect(told.asks).toEqual([]);
});

test('a legacy stream that the server closes is taken up again', async () => {
  expect(await textOf(callTool(servers, serverOf('legacy'), 'test_reconnection'))).toContain('completed successfully');
});

test('a question that the client did not declare never reaches it', async () => {
  const told = callTool(servers, serverOf('legacy'), 'test_elicitation', { params: '{"name":"test_elicitation","arguments":{"message":"?"}}' });
  await told.end;
  expect(told.asks).toEqual([]);
});

test('what many callers do at once, with the same tokens and keys, never crosses', async () => {
  const many = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const face = { ...askedFace, principalId: `key_${index % 3}`, logLevel: index % 2 === 0 ? 'info' : null };
      const era = (['legacy', 'modern', 'dual'] as const)[index % 3] ?? 'dual';
      const server = serverOf(era);
      if (index % 4 === 0) {
        const params = '{"name":"test_tool_with_progress","arguments":{},"_meta":{"progressToken":1}}';
        const told = callTool(servers, server, 'test_tool_with_progress', { params, face });
        await told.end;
        return [told.notifications.map((json) => /"progressToken":1,/.test(json)), [true, true, true]];
      }
      const answer = (): Answer => ({ result: `{"action":"accept","content":{"name":"Ada ${index}"}}` });
      const told = callTool(servers, server, 'test_input_required_result_elicitation', { face }, answer);
      return [
        [await textOf(told), told.asks.length, told.notifications],
        [`complete: Hello, Ada ${index}!`, 1, []],
      ];
    }),
  );
  for (const [seen, expected] of many) expect(seen).toEqual(expected);
});

describe('changes', () => {
  test('are told to those who watch', async () => {
    const events: ServerEvent[] = [];
    const interest = { toolsListChanged: true, promptsListChanged: false, resourcesListChanged: false, resourceUris: [] };
    const end = servers.watch(serverOf('modern'), testFace, interest, (event) => events.push(event));
    await until(async () => {
      await callTool(servers, serverOf('modern'), 'test_trigger_tool_change').end;
      await callTool(servers, serverOf('modern'), 'test_trigger_prompt_change').end;
      return events.length > 0;
    });
    end();
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['toolsListChanged']));
  });
});
