import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Why nothing is ever sent to an address on its own account, in words, or null where it may be. Addresses of the machine and of private
 * networks are not among them: what an operator writes into gateway.yaml may stand there. Refused are places that no receiver can
 * be at and that answer with credentials or reach others in disguise: link-local ones, the metadata services of clouds, addresses
 * that hold an IPv4 address in IPv6, and all that is no unicast. `allowed`: networks that the operator has named all the same.
 */
export function refusedAddress(address: string, allowed: BlockList | null = null): string | null {
  const family = familyOf(address);
  if (family === null) return 'it is no address';
  // A list of IPv4 fits `::ffff:0:0/96`, too.
  if (!refused.check(address, family) || allowed?.check(address, family) === true) return null;
  return 'link-local, metadata, multicast and reserved addresses are never sent to';
}

/**
 * The same for what is asked of others in the name of a tenant, and for what they name in turn: places of this machine and of private networks
 * are refused as well, unless the operator has named them.
 */
export function refusedAsPrivate(address: string, allowed: BlockList | null = null): string | null {
  const family = familyOf(address);
  if (family === null) return 'it is no address';
  if (allowed?.check(address, family) === true) return null;
  return (
    refusedAddress(address) ?? (hidden.check(address, family) ? 'this machine and private networks are asked only where allow_addresses names them' : null)
  );
}

/** As `refusedAddress`, of the host of a URL; a name is judged by its addresses, when it is connected to (`guardLookup`). */
export function refusedHost(host: string, allowed: BlockList | null = null): string | null {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  return familyOf(address) === null ? null : refusedAddress(address, allowed);
}

/** Networks as they are written (`169.254.10.0/24`, or one address) to be compared with; null where one is none. */
export function networksOf(texts: readonly string[]): BlockList | null {
  const list = new BlockList();
  for (const text of texts) {
    const [, address = '', prefix] = /^([0-9a-fA-F.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const family = familyOf(address);
    const most = family === 'ipv4' ? 32 : 128;
    const bits = prefix === undefined ? most : Number(prefix);
    if (family === null || bits > most) return null;
    list.addSubnet(address, bits, family);
  }
  return list;
}

/** The code of the error with which a guarded look-up fails for an address that is refused. */
export const refusedAddressCode = 'ADDRESS_REFUSED';

export function refusedAddressError(text: string): NodeJS.ErrnoException {
  return Object.assign(new Error(text), { code: refusedAddressCode });
}

/** `refusedAddress`, or a stricter one. */
export type AddressRefusal = (address: string, allowed: BlockList | null) => string | null;

/**
 * A look-up of names whose addresses are those that are connected to, so what it lets pass is what is dialled. A name is refused for one
 * address that is, whatever else it has. Hosts that are addresses are never looked up: `refusedHost` is for those.
 */
export function guardLookup(lookup: LookupFunction, allowed: BlockList | null = null, refusal: AddressRefusal = refusedAddress): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : [];
      const [first] = addresses;
      const bad = addresses.map(({ address }) => ({ address, reason: refusal(address, allowed) })).find(({ reason }) => reason !== null);
      if (error) callback(error, '', 0);
      else if (bad !== undefined) callback(refusedAddressError(`it has the address ${bad.address}, and ${bad.reason}`), '', 0);
      else if (first === undefined) callback(Object.assign(new Error(`no address of ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const family = isIP(address);
  return family === 0 ? null : family === 6 ? 'ipv6' : 'ipv4';
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
  // IPv4 translated, NAT64, Teredo, 6to4, and the deprecated IPv4-compatible ones but `::1`.
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
] as const)
  refused.addSubnet(network, prefix, 'ipv6');
refused.addRange('::2', '::ffff:ffff', 'ipv6');

const hidden = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
] as const)
  hidden.addSubnet(network, prefix, 'ipv4');
hidden.addAddress('::1', 'ipv6');
hidden.addSubnet('fc00::', 7, 'ipv6');
