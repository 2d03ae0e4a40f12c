/** What the shape of `identity.certificates`, and of `auth` where it takes them, cannot say. */
import { certificateNameKinds } from '../kernel/certificate-terms.ts';
import { credentialsOf, type RouteAuth } from '../kernel/route-auth.ts';
import { checkNamedOnce, checkNamesOne, checkServers, eachAuth } from './check-callers.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import type { CertificateAuthorityEntry } from './schema-certificates.ts';

export function checkCertificates(checked: Checked, complain: Complain): void {
  const { file } = checked;
  const { authorities } = file.identity.certificates;
  const place = ['identity', 'certificates', 'authorities'];
  checkNamedOnce(authorities, place, 'authorities', complain);
  for (const [index, entry] of authorities.entries()) {
    const path: Path = [...place, index];
    for (const [number, rule] of entry.callers.entries()) checkRule(rule, [...path, 'callers', number], complain);
    checkMeantOnce(entry, path, complain);
    checkServers(entry.servers, path, checked, complain);
  }
  eachAuth(file, (auth, path) => checkAuth(auth, path, file, complain));
}

function checkRule(rule: CertificateAuthorityEntry['callers'][number], path: Path, complain: Complain): void {
  const names = certificateNameKinds.filter((kind) => rule[kind] !== undefined);
  if (names.length !== 1)
    complain(
      path,
      'the entry has no name of a certificate, or more than one',
      'It says which certificates are meant.',
      'Write one of uri, dns, email and fingerprint.',
    );
  checkNamesOne(rule, path, 'A certificate', complain);
  if (rule.user !== undefined && names.some((kind) => rule[kind]?.includes('*') === true))
    complain(
      path,
      'many certificates would be of one person',
      'A name with * in it fits more than one certificate.',
      'Name the certificate of the person without *, or a service account or an agent.',
    );
}

/** A second entry for the same name would never be asked. */
function checkMeantOnce({ callers }: CertificateAuthorityEntry, path: Path, complain: Complain): void {
  const seen = new Map<string, number>();
  for (const [number, rule] of callers.entries()) {
    const key = JSON.stringify(certificateNameKinds.map((kind) => rule[kind]?.toLowerCase()));
    const before = seen.get(key);
    if (before === undefined) seen.set(key, number);
    else complain([...path, 'callers', number], 'the name is given twice', `callers[${before}] has it, and the first that fits counts.`, 'Remove one of them.');
  }
}

function checkAuth({ type }: RouteAuth, path: Path, file: Checked['file'], complain: Complain): void {
  if (!credentialsOf(type).includes('mtls')) return;
  const { authorities, proxies } = file.identity.certificates;
  if (authorities.length === 0)
    complain(
      [...path, 'type'],
      'the route takes client certificates, and no authority is configured',
      'Nobody could call by it.',
      'Add an entry to identity.certificates.authorities, or write type: apiKey.',
    );
  else if (file.listen.tls === undefined && proxies.length === 0)
    complain(
      [...path, 'type'],
      'the route takes client certificates, and nobody can show one',
      'The gateway speaks no TLS, and no proxy before it is named.',
      'Add listen.tls, or name the proxy that ends TLS in identity.certificates.proxies.',
    );
}
