import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChainedRecord } from '../../chain/audit-record.ts';
import { formatEvent, formatHead } from './event-formats.ts';

const event: ChainedRecord = {
  id: 'aud_1',
  organizationId: 'org_1',
  sequence: 7,
  atMs: Date.parse('2026-06-01T00:00:00.123Z'),
  actorKind: 'key',
  actorId: 'key_1',
  action: 'key.created',
  objectKind: 'key',
  objectId: 'key_2',
  result: 'success',
  requestId: 'req_1',
  peer: '203.0.113.7',
  detail: { name: 'a' },
  previousHash: '0'.repeat(64),
  hash: 'f'.repeat(64),
  keyId: 'ak_1',
  signature: 's',
};
const product = { version: '1.2.3' };
const anyText = fc.string({ unit: 'grapheme', maxLength: 40 });

/** RFC 4180, read by its letter. */
function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '');
}

describe('CSV', () => {
  test('has a cell for each column, whatever the texts are, and none that a spreadsheet runs', () => {
    const width = (formatHead('csv') ?? '').split(',').length;
    fc.assert(
      fc.property(anyText, anyText, fc.constantFrom('', '=', '+', '-', '@', '\t', '\r', '＝'), (object, name, sign) => {
        const read = cells(formatEvent('csv', { ...event, objectId: `${sign}${object}`, detail: { name } }, product));
        expect(read).toHaveLength(width);
        for (const cell of read) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
        expect(JSON.parse(read[11] ?? '')).toEqual({ name });
      }),
    );
  });
});

describe('CEF', () => {
  test('is one line of seven head fields and pairs that read back, whatever the texts are', () => {
    fc.assert(
      fc.property(anyText, anyText, (object, name) => {
        const line = formatEvent('cef', { ...event, objectId: object, detail: { name } }, product);
        expect(line).not.toMatch(/[\r\n]/);
        const [, head = '', extension = ''] = /^((?:(?:[^|\\]|\\.)*\|){7})(.*)$/s.exec(line) ?? [];
        expect(head).toBe('CEF:0|GatewayOps|Gateway|1.2.3|key.created|key created|3|');
        const pairs = new Map([...extension.matchAll(/(?:^| )(\w+)=((?:[^\\=]|\\.)*?)(?= \w+=|$)/gs)].map(([, key, value]) => [key, value]));
        const plain = (text = ''): string => text.replaceAll(/\\(.)/g, (_, code: string) => (code === 'n' ? '\n' : code === 'r' ? '\r' : code));
        expect(plain(pairs.get('cs1'))).toBe(`key:${object}`);
        expect(JSON.parse(plain(pairs.get('cs2')))).toEqual({ name });
        expect([pairs.get('src'), pairs.get('rt'), pairs.get('outcome')]).toEqual(['203.0.113.7', String(event.atMs), 'success']);
      }),
    );
  });
});

describe('OCSF 1.6.0', () => {
  const ocsf = (more: Partial<ChainedRecord>): Record<string, unknown> =>
    JSON.parse(formatEvent('ocsf', { ...event, ...more }, product)) as Record<string, unknown>;
  /** Attributes that the schema requires of every class, and of each of ours. */
  const base = ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'];

  test.each<[Partial<ChainedRecord>, number, number]>([
    [{}, 6003, 1],
    [{ action: 'key.revoked' }, 6003, 4],
    [{ action: 'config.applied', objectKind: 'config', peer: '' }, 6003, 3],
    [{ action: 'sign_in.failed', objectKind: 'sign_in', result: 'denied' as const, actorId: '', actorKind: 'callers' }, 3002, 1],
    [{ action: 'session.ended', objectKind: 'session' }, 3002, 2],
  ])('an event %j is of class %i with activity %i, and has what the class requires', (more, classUid, activity) => {
    const made = ocsf(more);
    expect(made).toMatchObject({ class_uid: classUid, activity_id: activity, type_uid: classUid * 100 + activity, category_uid: Math.floor(classUid / 1000) });
    expect(Object.keys(made)).toEqual(expect.arrayContaining([...base, ...(classUid === 6003 ? ['actor', 'api', 'src_endpoint'] : ['user', 'service'])]));
    expect(made).toMatchObject({ metadata: { version: '1.6.0', product: { vendor_name: 'GatewayOps' } }, status_id: more.result === undefined ? 1 : 2 });
  });
});
