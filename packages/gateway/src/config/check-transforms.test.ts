import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { compileTransforms } from '../snapshot/compile-transforms.ts';
import { loadConfig } from './load.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-transforms-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const servers = `version: 1
servers:
  - name: search
    url: http://127.0.0.1:1/mcp
    credential: { type: header, name: x-upstream, secret: { env: TOKEN } }
`;

function load(transforms: string) {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `${servers}transforms:\n${transforms}`);
  return loadConfig({ file, env: {} });
}

function faults(transforms: string): string[] {
  try {
    load(transforms);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const { faults: found = [] } = (thrown.extra ?? {}) as { faults?: { path: string; message: string }[] };
    return found.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

test('every rule that the guide shows is read, and a worker can compile it', () => {
  const config = load(`
  - server: search
    tool: query*
    request:
      - rename: { from: q, to: query }
      - default: { path: limit, value: 10 }
      - set: { path: filter.tenant, value: { id: [1, two, null] } }
      - remove: { path: debug }
      - restrict: { path: region, enum: [eu, us] }
      - restrict: { path: limit, min: 1, max: 100 }
      - restrict: { path: tags.*, pattern: "[a-z]+" }
    mirrors: { region: Region }
    headers: [{ from: X-Tenant, to: X-Customer }]
    response:
      - remove: { path: structuredContent.debug }
      - redact: { path: content, pattern: "[0-9]{16}" }
      - redact: { path: /content/*/a.b, with: "***" }
      - rename: { from: structuredContent.hits, to: results }
`);
  expect(config.transforms).toMatchObject([
    { server: 'search', tool: 'query*', request: [{ kind: 'rename', path: 'q', to: 'query' }, {}, { value: '{"id":[1,"two",null]}' }, {}, {}, {}, {}] },
  ]);
  expect(compileTransforms(config.transforms)?.entries[0]).toMatchObject({
    headers: [{ name: 'header X-Tenant' }],
    response: [{}, {}, { path: ['content', '*', 'a.b'] }, {}],
  });
});

describe('what cannot hold is refused when it is read', () => {
  test.each<[string, string]>([
    ['- { server: serch }', 'there is no server named serch'],
    [
      '- { server: search, request: [{ rename: { from: a, to: b }, remove: { path: c } }] }',
      'must be a map with one of: rename, default, set, remove, restrict',
    ],
    ['- { server: search, request: [{}] }', 'must be a map with one of'],
    ['- { server: search, request: [{ remove: { path: a..b } }] }', 'must be member names joined by dots'],
    ['- { server: search, request: [{ remove: { path: "a.*" } }] }', 'a.* names no member'],
    ['- { server: search, request: [{ rename: { from: a.b, to: b } }] }', 'b is its name already'],
    ['- { server: search, request: [{ restrict: { path: a } }] }', 'restrict says no restriction'],
    ['- { server: search, request: [{ restrict: { path: a, pattern: "(?=x)" } }] }', 'the pattern cannot be read'],
    ['- { server: search, request: [{ restrict: { path: a, pattern: x, min: 1 } }] }', 'no value fits both a pattern and a range'],
    ['- { server: search, request: [{ restrict: { path: a, min: 2, max: 1 } }] }', 'max is less than min'],
    ['- { server: search, request: [{ set: { path: a, value: 1 } }, { default: { path: a, value: 2 } }] }', 'two rules give a a value'],
    ['- { server: search, request: [{ set: { path: a, value: 1 } }, { remove: { path: a } }] }', 'a is given and taken'],
    ['- { server: search, request: [{ set: { path: a, value: [.inf] } }] }', 'value must be a value of JSON'],
    ['- { server: search, request: [{ set: { path: a } }] }', 'value is missing'],
    ['- { server: search, response: [{ redact: { path: a, pattern: "(" } }] }', 'the pattern cannot be read'],
    ['- { server: search, response: [{ redact: { path: a, pattern: "[0-9]*" } }] }', 'the pattern fits an empty text'],
    ['- { server: search, headers: [{ from: Authorization, to: X-A }] }', 'Authorization may not be passed on'],
    ['- { server: search, headers: [{ from: X-Api-Key, to: X-A }] }', 'X-Api-Key may not be passed on'],
    ['- { server: search, headers: [{ from: X-A, to: Cookie }] }', 'Cookie may not be passed on'],
    ['- { server: search, headers: [{ from: X-A, to: Mcp-Session-Id }] }', 'Mcp-Session-Id may not be passed on'],
    ['- { server: search, headers: [{ from: X-A, to: X-Upstream }] }', "X-Upstream is the header of this server's credential"],
    ['- { server: search, headers: [{ from: X-A, to: X-C }, { from: X-B, to: x-c }] }', 'two rules write the header x-c'],
    ['- { server: search, mirrors: { "a.*": Region } }', 'a.* leads into a list'],
  ])('%s', (text, message) => expect(faults(`  ${text}\n`)).toEqual([expect.stringContaining(message)]));
});
