import { expect, test } from 'vitest';
import { clients, type Connection } from './snippets.ts';

const to: Connection = { gatewayUrl: 'https://tools.example/gateway', path: '/mcp/search', name: 'search', key: 'gwo_dev_0123' };

test.each(clients)('$title is told the address of the server and the key, and of no key where there is none', ({ id, text }) => {
  const address = id === 'sdk' ? to.gatewayUrl : id === 'curl' ? 'https://tools.example/gateway/v1/mcp/search/' : 'https://tools.example/gateway/mcp/search';
  expect(text(to)).toContain(address);
  expect(text(to)).toContain('gwo_dev_0123');
  const open = text({ ...to, key: null });
  expect(open).toContain(address);
  expect(open).not.toMatch(/Bearer|apiKey|null/);
});

test('what is a file of JSON is JSON', () => {
  for (const { id, text } of clients) if (id === 'cursor' || id === 'vscode') expect(JSON.stringify(JSON.parse(text(to)))).toContain('/mcp/search');
});

test('what is a program calls the SDK as the SDK is', () => {
  const sdk = clients.find(({ id }) => id === 'sdk')?.text(to) ?? '';
  expect(sdk).toContain(`new GatewayOps({ gatewayUrl: "https://tools.example/gateway", apiKey: "gwo_dev_0123" })`);
  // Its first parameter is the name of the server.
  expect(sdk).toContain('client.mcp.listTools("search")');
});
