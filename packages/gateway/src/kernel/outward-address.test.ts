import { expect, test } from 'vitest';
import { refusedAddress } from './outward-address.ts';

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
