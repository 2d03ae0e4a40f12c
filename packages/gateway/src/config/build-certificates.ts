/** `identity.certificates` as it is written → whose certificates are whose. */
import { resolve } from 'node:path';
import type { CertificateRule } from '../identity/authority-data.ts';
import { certificateNameKinds } from '../kernel/certificate-terms.ts';
import type { OrganizationId } from '../kernel/id.ts';
import type { CertificateAuthorityConfig } from './config.ts';
import type { CertificateAuthorityEntry } from './schema-certificates.ts';

export function buildAuthority(entry: CertificateAuthorityEntry, folder: string): CertificateAuthorityConfig {
  const { crl } = entry;
  return {
    name: entry.name,
    organizationId: entry.organization as OrganizationId,
    caFile: resolve(folder, entry.ca),
    crlFiles: crl === undefined ? null : (typeof crl === 'string' ? [crl] : crl).map((file) => resolve(folder, file)),
    callers: entry.callers.flatMap((rule) => buildRule(rule)),
    actions: entry.actions ?? null,
    servers: entry.servers ?? null,
  };
}

/** One with no name or two, or that names nobody or two, is reported by the check of it. */
function buildRule(entry: CertificateAuthorityEntry['callers'][number]): CertificateRule[] {
  const by = certificateNameKinds.find((kind) => entry[kind] !== undefined);
  const name = by && entry[by];
  const { user, service_account: account, agent } = entry;
  const kind = user !== undefined ? 'user' : account !== undefined ? 'service_account' : 'agent';
  const id = user ?? account ?? agent;
  if (by === undefined || name === undefined || id === undefined) return [];
  return [{ by, name: by === 'fingerprint' ? name.slice('sha256:'.length).replaceAll(':', '').toLowerCase() : name, kind, id }];
}
