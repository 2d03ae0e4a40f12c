/** What the shape cannot say of addresses, of what is sent to them, and of TLS to them. */
import { networksOf, refusedHost } from '../kernel/outward-address.ts';
import type { Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';

/** `allowed`: what the same entry says may be connected to all the same; null where nothing can say so. */
export function checkUrl(text: string, path: Path, complain: Complain, allowed: readonly string[] | null = null): void {
  const url = URL.parse(text);
  const refusal = url === null ? null : refusedHost(url.hostname, networksOf(allowed ?? []));
  if (refusal !== null) {
    const fix =
      allowed === null
        ? 'Write the name or address of the receiver.'
        : `Correct it, or write allow_addresses: ["${url?.hostname.replace(/^\[(.*)\]$/, '$1')}"].`;
    complain(path, `${url?.hostname} is no place to send anything to`, `Of such as it, ${refusal}.`, fix);
  }
  if (url !== null && (url.username !== '' || url.password !== '')) {
    complain(
      path,
      'the url holds a user name or password',
      'Addresses stand in logs and on screens.',
      'Remove it from the url and add: credential: { type: bearer, secret: { env: NAME } }',
    );
  }
  if (/\$\{|\{\{|\$[A-Z_]/.test(text)) {
    complain(
      path,
      'the url holds a placeholder',
      'Nothing is replaced in this file: it would be taken literally.',
      'Write the address itself, or set MCP_SERVER_{NAME}_URL in the environment.',
    );
  }
  if (text.includes('#')) complain(path, 'the url holds a fragment', 'What stands behind "#" is never sent to a server.', 'Remove it.');
}

const secretHeader = /key|token|secret|authorization|password|licen[sc]e|credential/i;

export function checkHeaders(headers: Readonly<Record<string, unknown>>, path: Path, complain: Complain): void {
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && secretHeader.test(name))
      complain(
        [...path, name],
        `the value of ${name} is a secret written into the file`,
        'Its name says that it is one; files are copied to backups, tickets and version control.',
        `Write ${name}: { env: NAME } and set it in the gateway's environment, or use { file: PATH }.`,
      );
  }
}

export function checkTlsPair(tls: { readonly cert?: unknown; readonly key?: unknown } | undefined, path: Path, complain: Complain): void {
  if (tls === undefined || (tls.cert === undefined) === (tls.key === undefined)) return;
  const missing = tls.cert === undefined ? 'cert' : 'key';
  complain(path, `tls has no ${missing}`, 'A certificate of the gateway is of use only with its key.', `Add ${missing}, or remove the other.`);
}
