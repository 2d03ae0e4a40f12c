import { expect, test } from 'vitest';
import { carriedCapabilities } from './front-request.ts';

test('a server is told all that a client can do but for tasks, which are not routed', () => {
  const tasks = '"io.modelcontextprotocol\\/tasks":{}';
  expect(carriedCapabilities(`{"elicitation":{"form":{}},"extensions":{"x":{"n":12345678901234567890},${tasks}}}`)).toBe(
    '{"elicitation":{"form":{}},"extensions":{"x":{"n":12345678901234567890}}}',
  );
  for (const untouched of ['{ "roots" : {} }', '{"extensions":{ "io.modelcontextprotocol/ui" : {} }}', '{"extensions":7}'])
    expect(carriedCapabilities(untouched)).toBe(untouched);
});
