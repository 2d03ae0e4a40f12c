import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { askedOf, curlOf, markdownOf, rpcOf, sdkOf } from './call-as-command.ts';

test('the tool and its arguments are found in a JSON-RPC message and in a body of the REST way', () => {
  const asked = { tool: 'query', arguments: { q: 'x' } };
  expect(askedOf('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"q":"x"}}}')).toEqual(asked);
  expect(askedOf(JSON.stringify(asked))).toEqual(asked);
  expect(askedOf('{"tool":"ping"}')).toEqual({ tool: 'ping', arguments: {} });
});

test.each(['', 'no json', '[]', 'null', '{}', '{"params":{"uri":"file:///a"}}'])('a body that names no tool gives no command: %j', (body) => {
  expect(askedOf(body)).toBeUndefined();
});

test('a shell hands curl exactly the arguments of the call, whatever they hold', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      // A shell cannot hand over NUL.
      const asked = { tool: 'query', arguments: { text: text.replaceAll('\0', '') } };
      const command = curlOf('http://127.0.0.1:8080', 'search', asked).replace(/^curl/, "printf '%s\\0'");
      const words = execFileSync('sh', ['-c', command], { encoding: 'utf8', env: { GATEWAYOPS_API_KEY: 'key' } }).split('\0');
      expect([words[0], words[2], JSON.parse(words[6] ?? '')]).toEqual(['http://127.0.0.1:8080/v1/mcp/search/tools/call', 'Authorization: Bearer key', asked]);
    }),
    { numRuns: 50 },
  );
});

test('the message of MCP asks for the same call', () => {
  const asked = { tool: 'query', arguments: { q: "it's" } };
  expect(askedOf(rpcOf(asked))).toEqual(asked);
});

test('the code of the SDK holds the call as it is, and no key', () => {
  const code = sdkOf('http://127.0.0.1:8080', 'search', { tool: 'query', arguments: { q: "`it's`" } });
  const called = /mcp\.call\(([^;]*)\);/.exec(code)?.[1] ?? '';
  expect(JSON.parse(called)).toEqual({ server: 'search', tool: 'query', arguments: { q: "`it's`" } });
  expect(code).not.toContain('apiKey');
});

test('no argument ends the block of Markdown that it stands in', () => {
  const text = markdownOf('http://127.0.0.1:8080/ui/traces/tr_1', 'search', 'ok after 3 ms', { tool: 'query', arguments: { q: '````\n# not a title' } });
  expect(text.split('\n').filter((line) => line.startsWith('`````'))).toEqual(['`````json', '`````']);
});
