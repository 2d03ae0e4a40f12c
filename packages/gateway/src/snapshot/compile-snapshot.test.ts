import { expect, test } from 'vitest';
import { noConsultant } from '../../../../test/support/no-consultant.ts';
import { compileRisks } from '../authorise/tool-risk.ts';
import { organizationSteps } from '../authorise/organizations.ts';
import { systemClock } from '../kernel/clock.ts';
import { compileSnapshot, type SnapshotCompilers } from './compile-snapshot.ts';
import { membersRule } from '../../../../test/support/members-rule.ts';
import type { ServerData, SnapshotData } from './snapshot.ts';

const server: ServerData = {
  name: 'files',
  path: '/mcp/files',
  auth: 'apiKey',
  transport: 'http',
  origin: 'http://127.0.0.1:1',
  upstreamPath: '/mcp',
  socketPath: null,
  timeoutMs: 1000,
  connectionsMax: 10,
  credential: null,
  price: { perCallNano: '9007199254740991', perTokenInputNano: '0', perTokenOutputNano: '7', by: 'server' },
  toolPrices: { constructor: { perCallNano: '1', perTokenInputNano: '2', perTokenOutputNano: '3' } },
};
const data: SnapshotData = {
  policies: [membersRule],
  version: 3,
  organizationId: 'org_default',
  node: 'node_1',
  hosts: ['a:1'],
  origins: ['http://a:1'],
  bodyBytesMax: 100,
  currency: 'EUR',
  servers: [server, { ...server, name: 'search', path: '/mcp/search', toolPrices: {} }],
};

const compilers: SnapshotCompilers = {
  encodeServer: () => Buffer.alloc(0),
  compileAccess: (organizations, before) => organizationSteps(organizations, systemClock, before),
  compileRisks,
  openConsultant: noConsultant,
};

test('servers are found by path and by name, with their block of the record', () => {
  const snapshot = compileSnapshot(data, { ...compilers, encodeServer: (...columns) => Buffer.from(columns.join('|')) });
  expect(snapshot.byPath.get('/mcp/files')).toBe(snapshot.byName.get('files'));
  expect(Buffer.from(snapshot.byName.get('search')?.block ?? []).toString()).toBe('node_1|search|EUR');
  expect([...(snapshot.hosts ?? [])]).toEqual(['a:1']);
  expect(compileSnapshot({ ...data, hosts: null }, compilers).hosts).toBeNull();
});

test('prices are exact numbers, and a tool may have any name', () => {
  const files = compileSnapshot(data, compilers).byName.get('files');
  expect(files?.price).toEqual({ perCall: Number.MAX_SAFE_INTEGER, perTokenInput: 0, perTokenOutput: 7, perSecond: 0, by: 'server', version: 0 });
  expect(files?.toolPrices.get('constructor')).toEqual({ perCall: 1, perTokenInput: 2, perTokenOutput: 3, perSecond: 0, by: 'tool', version: 0 });
  expect(files?.toolPrices.get('toString')).toBeUndefined();
});

test.each(['9007199254740992', '-1', '1.5', 'x'])('a price of %s is refused', (text) => {
  expect(() => compileSnapshot({ ...data, servers: [{ ...server, price: { ...server.price, perCallNano: text } }] }, compilers)).toThrow(RangeError);
});
