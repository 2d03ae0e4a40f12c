import { expect, test } from 'vitest';
import { initializeResult, legacyAsk, legacyError, legacyResult, mapElicitations } from './legacy-words.ts';

test('what 2026-07-28 added to results is taken out; everything else keeps its bytes', () => {
  expect(legacyResult('tools/call', '{"resultType":"complete","content":[],"x": 12345678901234567890 ,"ttlMs":0,"cacheScope":"private"}')).toBe(
    '{"content":[],"x": 12345678901234567890}',
  );
});

test('structured content that is no object is put into one, and so is its schema where it can stand in another place', () => {
  expect(legacyResult('tools/call', '{"structuredContent":[12345678901234567890]}')).toBe('{"structuredContent":{"result":[12345678901234567890]}}');
  expect(legacyResult('tools/call', '{"structuredContent":{"a":1}}')).toBe('{"structuredContent":{"a":1}}');
  const tools = [
    { name: 'object', outputSchema: { type: 'object' } },
    { name: 'list', outputSchema: { type: 'array', items: { type: 'number' } } },
    { name: 'pointing', outputSchema: { type: 'array', items: { $ref: '#/$defs/a' } } },
    { name: 'any', outputSchema: { anyOf: [{ type: 'object' }, { type: 'null' }] } },
    { name: 'none' },
  ];
  expect(JSON.parse(legacyResult('tools/list', JSON.stringify({ tools })))).toEqual({
    tools: [
      tools[0],
      { name: 'list', outputSchema: { type: 'object', properties: { result: tools[1]?.outputSchema }, required: ['result'] } },
      { name: 'pointing' },
      { name: 'any' },
      { name: 'none' },
    ],
  });
});

test('a list whose schemas are all of objects keeps its bytes', () => {
  expect(legacyResult('tools/list', '{"tools":[ {"outputSchema":{"type":"object","maximum":12345678901234567890}} ]}')).toBe(
    '{"tools":[ {"outputSchema":{"type":"object","maximum":12345678901234567890}} ]}',
  );
});

test('only a resource that is not there has another code', () => {
  expect(legacyError('resources/read', '{"code":-32602,"message":"none"}', -32_602)).toBe('{"code":-32002,"message":"none"}');
  expect(legacyError('tools/call', '{"code":-32602,"message":"none"}', -32_602)).toBe('{"code":-32602,"message":"none"}');
});

test('an address is asked for under an id of the gateway’s own', () => {
  const ask = { key: 'k', method: 'elicitation/create' } as const;
  const mapped = (id: string): string => `ours of ${id}`;
  const url = { mode: 'url', url: 'https://a.example' };
  expect(JSON.parse(legacyAsk({ ...ask, params: JSON.stringify(url) }, mapped))).toEqual({ ...url, elicitationId: 'ours of question k' });
  expect(JSON.parse(legacyAsk({ ...ask, params: JSON.stringify({ ...url, elicitationId: 'e' }) }, mapped))).toEqual({ ...url, elicitationId: 'ours of e' });
  expect(legacyAsk({ ...ask, params: '{"mode":"form"}' }, mapped)).toBe('{"mode":"form"}');
  const error = '{"code":-32042, "message":"m","data":{"n":12345678901234567890,"elicitations":[{"elicitationId":"e"},{"elicitationId":7},{}]}}';
  expect(mapElicitations(error, -32_042, mapped)).toBe(error.replace('"e"', '"ours of e"'));
  expect(mapElicitations(error, -32_602, mapped)).toBe(error);
});

test('a handshake has the words of its version', () => {
  const facts = {
    era: 'modern' as const,
    capabilities: '{"tools":{},"completions":{},"extensions":{"a/b":{}}}',
    instructions: null,
    info: null,
    ttlMs: 0,
    cacheScope: 'private' as const,
  };
  expect(JSON.parse(initializeResult('2025-11-25', facts))).toMatchObject({ protocolVersion: '2025-11-25', capabilities: { tools: {}, completions: {} } });
  expect(JSON.parse(initializeResult('2024-11-05', facts))).toMatchObject({ capabilities: { tools: {} }, serverInfo: { name: 'gatewayops' } });
  expect(initializeResult('2024-11-05', facts)).not.toMatch(/completions|extensions/);
});
