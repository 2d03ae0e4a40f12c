import { expect, test } from 'vitest';
import { serversIn } from './servers-in.ts';

test('the servers of a block for clients are found, addresses and programs; values of headers and variables are left out', () => {
  const entries = {
    docs: { url: 'https://docs.example/mcp', headers: { Authorization: 'Bearer secret-1' } },
    old: { type: 'sse', url: 'https://old.example/sse' },
    files: { command: 'npx', args: ['-y', 'server-files', '/srv'], env: { TOKEN: 'secret-2' } },
    empty: {},
  };
  const found = [
    { name: 'docs', spec: { url: 'https://docs.example/mcp' }, leftOut: expect.stringContaining('headers Authorization') },
    { name: 'old', spec: { transport: 'sse', url: 'https://old.example/sse' }, leftOut: null },
    { name: 'files', spec: { transport: 'stdio', command: ['npx', '-y', 'server-files', '/srv'] }, leftOut: expect.stringContaining('variables TOKEN') },
    { name: 'empty', spec: null, leftOut: null },
  ];
  for (const block of [{ mcpServers: entries }, { servers: entries }, entries]) {
    expect(serversIn(JSON.stringify(block))).toEqual(found);
    expect(JSON.stringify(serversIn(JSON.stringify(block)))).not.toContain('secret-');
  }
});

test.each(['', 'no json', '[]', '"text"', '{}', '{"mcpServers": {}}', '{"docs": "https://docs.example"}'])('what is no such block is none: %j', (text) => {
  expect(serversIn(text)).toBeNull();
});
