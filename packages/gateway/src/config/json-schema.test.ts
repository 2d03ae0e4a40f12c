import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { gatewayFileSchema } from './schema.ts';
import { renderConfigSchema, type JsonSchema } from './json-schema.ts';
import { configTemplate } from './template.ts';

const schema = JSON.parse(renderConfigSchema()) as JsonSchema;
const accepts = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allowUnionTypes: true }).compile(schema);
const root = join(import.meta.dirname, '../../../..');

describe('the published JSON Schema', () => {
  test.each([
    ['the template', configTemplate[0]?.text ?? ''],
    ['the quickstart', readFileSync(join(root, 'examples/quickstart/gateway.yaml'), 'utf8')],
    ['the least', 'version: 1'],
    ['every setting', everySetting()],
  ])('accepts what the loader accepts: %s', (_, text) => {
    const value: unknown = parse(text);
    expect(gatewayFileSchema.safeParse(value).error).toBeUndefined();
    accepts(value);
    expect(accepts.errors).toBeNull();
  });

  test.each([
    '{}',
    'version: 2',
    '{ version: 1, serves: [] }',
    '{ version: 1, servers: [{ name: a }] }',
    '{ version: 1, servers: [{ name: A, url: https://x }] }',
    '{ version: 1, servers: [{ name: a, transport: stdio, command: node }] }',
    '{ version: 1, servers: [{ name: a, url: https://x, command: [node] }] }',
    '{ version: 1, servers: [{ name: a, url: https://x, timeout: 30 }] }',
    '{ version: 1, servers: [{ name: a, url: https://x, credential: { type: bearer, secret: literal } }] }',
    '{ version: 1, limits: { body_max: 4MB } }',
    '{ version: 1, retention: { traces: 91d } }',
    '{ version: 1, rate_limits: [{ scope: user, limit: 1, window: 1m }] }',
    '{ version: 1, pricing: { default: { per_call: -1 } } }',
    '{ version: 1, log: null }',
  ])('refuses what the loader refuses: %s', (text) => {
    const value: unknown = parse(text);
    expect(gatewayFileSchema.safeParse(value).success).toBe(false);
    expect(accepts(value)).toBe(false);
  });

  test('describes every setting', () => {
    const bare: string[] = [];
    const visit = (node: JsonSchema, path: string): void => {
      for (const [name, child] of Object.entries(node.properties ?? {})) {
        if (child.description === undefined) bare.push(`${path}.${name}`);
        visit(child, `${path}.${name}`);
      }
      for (const child of [
        node.items,
        ...(node.oneOf ?? []),
        ...(node.anyOf ?? []),
        typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined,
      ])
        if (child !== undefined) visit(child, path);
    };
    visit(schema, '');
    expect(bare).toEqual([]);
  });

  test('gives examples and defaults that the schema itself accepts', () => {
    const wrong: string[] = [];
    const visit = (node: JsonSchema, path: string): void => {
      const values = [...(node.examples ?? []), ...(node.default === undefined ? [] : [node.default])];
      const check = values.length === 0 ? null : new Ajv2020({ strict: false }).compile(node as object);
      for (const value of values) if (check?.(value) === false) wrong.push(`${path}: ${JSON.stringify(value)}`);
      for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
      for (const child of [node.items, ...(node.oneOf ?? []), ...(node.anyOf ?? [])]) if (child !== undefined) visit(child, path);
    };
    visit(schema, '');
    expect(wrong).toEqual([]);
  });
});

function everySetting(): string {
  return `version: 1
listen: { http: "[::1]:0", hosts: [gateway.example], origins: ["https://app.example"] }
servers:
  - name: a
    transport: stdio
    command: [node, server.js]
    env: { LANG: C.UTF-8, A: { env: A }, B: { file: b.key }, C: { kubernetes: { name: n, key: k } } }
    cwd: .
    processes: shared
    timeout: 30s
    connections_max: 10
  - { name: b, transport: http, url: "http://b:1/mcp", credential: { type: header, name: x-api-key, secret: { file: k } } }
  - { name: c, url: https://c/mcp, credential: { type: bearer, secret: { kubernetes: { name: n, key: k } } } }
routes:
  - { server: b, path: /mcp/find, auth: { type: none }, timeout: 20s }
aggregate:
  enabled: true
  auth: { type: apiKey }
  prefix: on-collision
  name_limit: 128
  client_limits: { claude-code: 50 }
  page_size: 100
  tool_exposure: search
  deadline: 2s
virtual_servers:
  - name: team
    servers: [b, "c*"]
    tools: ["read_*", { server: b, name: q, rename: find, description: Finds. }]
    resources: ["file:///*", { server: c, uri: "db://x" }]
    prompts: []
    prefix: never
    tool_exposure: all
    auth: { type: apiKey }
pricing:
  currency: EUR
  default: { per_call: 0.001, per_token_input: "0.00001", per_token_output: 1e-9 }
  overrides: [{ server: b, per_call: 0.1 }, { server: b, tool: t, per_token_output: 1 }]
rate_limits:
  - { scope: api_key, limit: 500, window: 1m }
  - { scope: api_key, key_prefix: gwo_prod_a1b2, limit: 1000, window: 1m, burst: 50 }
limits: { body_max: 16MiB }
journal: { sync: true, spool_max: 10GiB }
retention: { traces: 90d }
environment: prod
workers: 3
log: { level: debug, format: text }
`;
}
