import { Fault } from './fault.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use its port',
  EPERM: 'this user may not use its port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no addresses of this kind',
  ENOTFOUND: 'the name of the host is not known',
  EAI_AGAIN: 'the name of the host cannot be looked up',
};

/** Why `host:port` cannot be listened on, from the code of the system: `address_in_use` or `address_unusable`. */
export function listenFault(address: string, error: Pick<NodeJS.ErrnoException, 'code'>): Fault {
  const { code = 'for a reason that the system does not name' } = error;
  if (code === 'EADDRINUSE') return new Fault('address_in_use', { address });
  return new Fault('address_unusable', { address, reason: reasons[code] ?? code });
}
