import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import { guardLookup, networksOf, refusedAddress, refusedAsPrivate, refusedHost } from './outward-address.ts';

test.each([
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '192.88.99.1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  'fd00:ec2::254',
  'fd20:ce::254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '2001:0:4136:e378::1',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '::',
  'not an address',
])('nothing is sent to %s', (address) => {
  expect(refusedAddress(address)).not.toBeNull();
});

test.each(['127.0.0.1', '::1', '10.1.2.3', '192.168.1.1', '172.16.0.9', '100.64.0.1', 'fd12:3456::1', '203.0.113.9', '2a00:1450::1'])(
  'an operator may name %s',
  (address) => {
    expect(refusedAddress(address)).toBeNull();
  },
);

describe('E1, E2: what others name', () => {
  // Decimal, octal and hexadecimal writings are read as a URL is.
  const hosts = ['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '10.1.2.3', '172.31.255.255', '192.168.0.1', '100.127.0.1', '198.19.0.1'];
  const six = ['::1', '::ffff:127.0.0.1', '::ffff:a01:203', '::ffff:0:10.0.0.1', 'fd12:3456::1', 'fe80::1', '64:ff9b::7f00:1', '2002:7f00:1::', '::7f00:1'];

  test.each([...hosts.map((one) => new URL(`http://${one}`).hostname), ...six, 'localhost', ''])('is not asked at %s', (address) => {
    expect(refusedAsPrivate(address)).not.toBeNull();
  });

  test.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '::ffff:8.8.8.8', '2a00:1450::1'])('is asked at %s', (address) =>
    expect(refusedAsPrivate(address)).toBeNull(),
  );

  test('is asked in a private network that the operator has named, and not beside it', () => {
    const allowed = networksOf(['10.0.0.0/24']);
    expect([refusedAsPrivate('10.0.0.7', allowed), refusedAsPrivate('::ffff:10.0.0.7', allowed)]).toEqual([null, null]);
    expect(refusedAsPrivate('10.0.1.7', allowed)).not.toBeNull();
  });
});

test('what an operator names is allowed, and nothing beside it', () => {
  const allowed = networksOf(['169.254.10.0/24', 'fd00:ec2::254']);
  expect([refusedAddress('169.254.10.7', allowed), refusedAddress('::ffff:169.254.10.7', allowed), refusedAddress('fd00:ec2::254', allowed)]).toEqual([
    null,
    null,
    null,
  ]);
  for (const address of ['169.254.169.254', '169.254.11.1', 'fd00:ec2::253']) expect(refusedAddress(address, allowed)).not.toBeNull();
});

test.each(['', '169.254.10.0/33', 'fe80::/129', 'example.com', '10.0.0.0/', '10.0.0', '10.0.0.0/8/8', '169.254.1.1/ 24'])('%j is no network', (text) => {
  expect(networksOf(['10.0.0.0/8', text])).toBeNull();
});

const hostOf = (written: string): string => new URL(`http://${written}/`).hostname;

test.each(['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '[::ffff:a9fe:a9fe]', '[fe80::1]', '0'])(
  'the host %s is refused',
  (written) => {
    expect(refusedHost(hostOf(written))).not.toBeNull();
  },
);

test.each(['localhost', '127.1', '[::1]', '169.254.169.254.nip.io'])('the host %s is judged when it is connected to, if at all', (written) => {
  expect(refusedHost(hostOf(written))).toBeNull();
});

describe('E3: the addresses that a name has when it is connected to', () => {
  const look = (answers: readonly string[], all: boolean, allowed: readonly string[] = []): Promise<unknown> =>
    new Promise((resolve) => {
      const found = answers.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
      const guarded = guardLookup((_name, _options, done) => done(null, found), networksOf(allowed));
      guarded('a.example', { all }, (error, address) => resolve(error === null ? address : error.code));
    });

  test('are those that are given on', async () => {
    expect(await look(['127.0.0.9', '::1'], false)).toBe('127.0.0.9');
    expect(await look(['127.0.0.9', '::1'], true)).toEqual([
      { address: '127.0.0.9', family: 4 },
      { address: '::1', family: 6 },
    ]);
    expect(await look([], false)).toBe('ENOTFOUND');
  });

  test('refuse the name for one that is refused, whatever else it has', async () => {
    expect(await look(['203.0.113.9', '169.254.169.254'], true)).toBe('ADDRESS_REFUSED');
    expect(await look(['203.0.113.9', '64:ff9b::a9fe:a9fe'], false)).toBe('ADDRESS_REFUSED');
    expect(await look(['169.254.10.7'], false, ['169.254.10.0/24'])).toBe('169.254.10.7');
  });
});
