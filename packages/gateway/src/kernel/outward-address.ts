import { BlockList, isIP } from 'node:net';

/**
 * Why nothing is ever sent to an address on its own account, in words, or null where it may be. Addresses of the machine and of private
 * networks are not among them: what an operator writes into gateway.yaml may stand there. Refused are places that no receiver can
 * be at and that answer with credentials or reach others in disguise: link-local ones, the metadata services of clouds, addresses
 * that hold an IPv4 address in IPv6, and all that is no unicast.
 */
export function refusedAddress(address: string): string | null {
  const family = isIP(address);
  if (family === 0) return 'it is no address';
  // A list of IPv4 fits `::ffff:0:0/96`, too.
  return refused.check(address, family === 6 ? 'ipv6' : 'ipv4') ? 'link-local, metadata, multicast and reserved addresses are never sent to' : null;
}

const refused = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  // Of clouds: AWS, Google and Azure; Alibaba; Azure's own.
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.0', 24],
  ['192.88.99.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  refused.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 128],
  // Site-local is deprecated, link-local never leaves the wire.
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  // Of clouds: AWS, Google.
  ['fd00:ec2::', 32],
  ['fd20:ce::', 64],
  // NAT64, Teredo, 6to4, and the deprecated IPv4-compatible ones but `::1`.
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
] as const)
  refused.addSubnet(network, prefix, 'ipv6');
refused.addRange('::2', '::ffff:ffff', 'ipv6');
