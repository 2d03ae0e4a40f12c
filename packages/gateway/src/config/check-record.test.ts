import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { RecordConfig } from './config.ts';
import { loadConfig } from './load.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-record-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(record: string): RecordConfig {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `version: 1\nservers:\n  - { name: search, url: "http://127.0.0.1:1/mcp" }\n  - { name: mail, url: "http://127.0.0.1:1/mcp" }\n${record}`,
  );
  return loadConfig({ file, env: {} }).record;
}

function faults(record: string): string[] {
  try {
    load(record);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const { faults: found = [] } = (thrown.extra ?? {}) as { faults?: { path: string; message: string }[] };
    return found.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

test('without it bodies are kept, masked, up to the usual sizes', () => {
  expect(load('')).toEqual({
    bodies: 'masked',
    bodyBytesMax: bounds.recordBodyBytes,
    overrides: [],
    masking: { email: false, phone: false, fields: [], paths: [], patterns: [], fieldCharsMax: bounds.maskingFieldCharsMax, overLimit: 'drop' },
  });
});

test('all that it may say is read', () => {
  expect(
    load(`
record:
  bodies: off
  body_max: 16KiB
  overrides:
    - { server: search, bodies: masked }
    - { server: search, tool: query, bodies: off }
  masking:
    email: true
    phone: true
    fields: [date_of_birth, "patient*"]
    paths: [arguments.customer.name, structuredContent.rows.*.iban, /params/arguments/0]
    patterns: [{ name: employee-number, pattern: "EMP-[0-9]{6}" }]
    scan_max: 8KiB
    over_limit: truncate
`),
  ).toEqual({
    bodies: 'off',
    bodyBytesMax: 16 * 1024,
    overrides: [
      { server: 'search', tool: null, bodies: 'masked' },
      { server: 'search', tool: 'query', bodies: 'off' },
    ],
    masking: {
      email: true,
      phone: true,
      fields: ['date_of_birth', 'patient*'],
      paths: ['arguments.customer.name', 'structuredContent.rows.*.iban', '/params/arguments/0'],
      patterns: [{ name: 'employee-number', pattern: 'EMP-[0-9]{6}' }],
      fieldCharsMax: 8 * 1024,
      overLimit: 'truncate',
    },
  });
});

test.each([
  ['a word that is none', 'record: { bodies: plain }', 'record.bodies'],
  ['a size beyond its bound', 'record: { body_max: 1GiB }', 'record.body_max'],
  ['a server that is not there', 'record: { overrides: [{ server: nowhere, bodies: off }] }', 'record.overrides[0].server'],
  ['two overrides of one', 'record: { overrides: [{ server: mail, bodies: off }, { server: mail, bodies: masked }] }', 'record.overrides[1]'],
  [
    'two overrides of one tool',
    'record: { overrides: [{ server: mail, tool: a, bodies: off }, { server: mail, tool: a, bodies: off }] }',
    'record.overrides[1]',
  ],
  ['an override that says nothing', 'record: { overrides: [{ server: mail }] }', 'record.overrides[0].bodies'],
  ['a path that is none', 'record: { masking: { paths: ["a..b"] } }', 'record.masking.paths[0]'],
  ['a pattern that is no RE2', 'record: { masking: { patterns: [{ name: a, pattern: "(?=x)" }] } }', 'record.masking.patterns[0].pattern'],
  ['a pattern that fits anywhere', 'record: { masking: { patterns: [{ name: a, pattern: "x*" }] } }', 'record.masking.patterns[0].pattern'],
  ['two patterns of one name', 'record: { masking: { patterns: [{ name: a, pattern: x }, { name: a, pattern: y }] } }', 'record.masking.patterns[1].name'],
  ['a name that is none', 'record: { masking: { patterns: [{ name: "A b", pattern: x }] } }', 'record.masking.patterns[0].name'],
  ['a scan that is too short', 'record: { masking: { scan_max: 1KiB } }', 'record.masking.scan_max'],
  ['a member that is not known', 'record: { maskig: {} }', 'record.maskig'],
])('%s is refused at its place', (_, record, path) => {
  const found = faults(record);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(new RegExp(`^${path.replace(/[[\]./]/g, '\\$&')}`));
});
