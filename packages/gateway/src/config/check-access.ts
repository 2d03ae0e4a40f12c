/** What the shape of `access` cannot say: that Open Policy Agent is in one place, and in one that may be asked. */
import { checkTlsPair, checkUrl } from './check-address.ts';
import type { Complain } from './check-config.ts';
import type { GatewayFile } from './schema.ts';

export function checkAccess({ opa }: GatewayFile['access'], complain: Complain): void {
  if (opa === undefined) return;
  const path = ['access', 'opa'];
  const { url, bundle, credential, tls, allow_addresses: allowed } = opa;
  if ((url === undefined) === (bundle === undefined)) {
    const message = url === undefined ? 'Open Policy Agent is nowhere' : 'Open Policy Agent is in two places';
    complain(path, message, 'It is a server, or a bundle that the gateway evaluates itself.', 'Write one of url and bundle.');
  }
  if (url !== undefined) checkUrl(url, [...path, 'url'], complain, allowed ?? []);
  if (url !== undefined && URL.parse(url)?.search !== '')
    complain([...path, 'url'], 'the url has a query', 'The path of the decision is put behind it.', 'Remove what stands behind "?".');
  checkTlsPair(tls, [...path, 'tls'], complain);
  for (const [name, value] of Object.entries({ credential, tls, allow_addresses: allowed }))
    if (bundle !== undefined && value !== undefined)
      complain([...path, name], `the bundle has no ${name}`, 'It is a file that the gateway evaluates itself: nothing is sent anywhere.', 'Remove it.');
}
