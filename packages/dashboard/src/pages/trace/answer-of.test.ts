import { expect, test } from 'vitest';
import { answerOf } from './answer-of.ts';

const content = [{ type: 'text', text: 'found\n2 pages' }];
const message = (result: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, result });

test('the answer of a tool is found as JSON-RPC, as the last message of an event stream, and on the REST way', () => {
  expect(answerOf(message({ content, structuredContent: { n: 2 } }))).toEqual({ content, structuredContent: { n: 2 } });
  expect(answerOf(JSON.stringify({ result: { content }, metadata: {} }))?.content).toEqual(content);
  const progress = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: {} });
  expect(answerOf(`event: message\ndata: ${progress}\n\nid: 2\r\ndata: ${message({ content })}\r\n\r\n`)?.content).toEqual(content);
  expect(answerOf(message({ content: [] }))?.content).toEqual([]);
});

test('what is cut, no answer of a tool, or without what its type promises, is none', () => {
  const odd = [
    message({ content }).slice(0, -5),
    message({ tools: [] }),
    '[]',
    '',
    'plain text',
    'data: {',
    '"text"',
    message({ content: [{ type: 'text' }] }),
  ];
  expect(odd.map(answerOf)).toEqual(odd.map(() => undefined));
  expect(answerOf(message({ content: [{ type: 'resource', resource: {} }] }))).toBeUndefined();
  expect(answerOf(message({ content: [{ type: 'of-later', what: 1 }, { type: 'constructor' }] }))?.content).toHaveLength(2);
});
