import type { CertificateNameKind } from '../kernel/certificate-terms.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateRule } from './authority-data.ts';

/**
 * Whether a rule is about a certificate: one of its names is the rule's, whole and never in part. `*` stands for one part of it, and nothing else does: a label of a
 * host name, a segment of the path of a URI, what stands before the @ of an address.
 */
export function fitsCertificate(
  { by, name }: Pick<CertificateRule, 'by' | 'name'>,
  { names, fingerprint }: Pick<Certificate, 'names' | 'fingerprint'>,
): boolean {
  if (by === 'fingerprint') return fingerprint === name;
  const wanted = partsOf(by, name);
  return names[by].some((one) => fitsParts(wanted, partsOf(by, one)));
}

/** Compared without a difference of letter case where the standards see none: host names (RFC 4343), the host of an address and the scheme and host of a URI. */
function partsOf(by: Exclude<CertificateNameKind, 'fingerprint'>, name: string): readonly string[] {
  if (by === 'dns') return name.toLowerCase().split('.');
  if (by === 'email') {
    const at = name.lastIndexOf('@');
    return at < 0 ? [name] : [name.slice(0, at), name.slice(at + 1).toLowerCase()];
  }
  const [, origin, path] = /^([^:/?#]+:\/\/[^/?#]*)(.*)$/s.exec(name) ?? [];
  return origin === undefined || path === undefined ? [name] : [origin.toLowerCase(), ...path.split('/').slice(path.startsWith('/') ? 1 : 0)];
}

/** A name that has a `*` of its own in it is of no single one, and nobody's. */
function fitsParts(wanted: readonly string[], parts: readonly string[]): boolean {
  return wanted.length === parts.length && wanted.every((one, index) => (one === '*' ? isPart(parts[index]) : one === parts[index]));
}

function isPart(part: string | undefined): boolean {
  return part !== undefined && part !== '' && part !== '.' && part !== '..' && !/[*%?#]/.test(part);
}
