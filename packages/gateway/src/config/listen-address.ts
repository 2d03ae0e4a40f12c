import { BlockList, isIPv6 } from 'node:net';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[::1]:8080` or `:8080` (every IPv4 address of the machine); null where it is none of these. Port 0 picks one. */
export function parseListenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)|):(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  if (match === null || port > 65_535) return null;
  const v6 = match.groups?.['v6'];
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6, port } : null;
  return { host: match.groups?.['host'] ?? '0.0.0.0', port };
}

/** `host:port` as `parseListenAddress` reads it. */
export function listenAddressText({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only programs of this machine reach the address. A name other than `localhost` counts as reachable from outside. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  // An IPv4 address mapped into IPv6 is checked against the IPv4 range by the list itself.
  return isIPv6(host) ? loopback.check(host, 'ipv6') : /^\d+\.\d+\.\d+\.\d+$/.test(host) && loopback.check(host, 'ipv4');
}
