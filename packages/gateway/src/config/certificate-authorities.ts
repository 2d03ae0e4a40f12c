import { readFileSync, statSync } from 'node:fs';
import type { AuthorityData } from '../identity/authority-data.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { readCertificates } from '../x509/certificate.ts';
import { Malformed } from '../x509/der.ts';
import { readRevocationList, revocationListsIn } from '../x509/revocation-list.ts';
import { troubleOfAuthority } from '../x509/verify-chain.ts';
import type { CertificateAuthorityConfig } from './config.ts';
import type { SecretReader } from './read-secret.ts';

const bundleBytesMax = 1024 * 1024;

/**
 * An authority with what is read for it, now. That something of it has expired is told by health and log: it stops nobody but its own callers. Faults: `secret_unavailable`
 * where a file cannot be read, or holds something by which nobody could ever be let in, or somebody who should not be.
 */
export function readCertificateAuthority({ caFile, crlFiles, ...authority }: CertificateAuthorityConfig): AuthorityData {
  return {
    ...authority,
    ca: readBundle(caFile, `${settingOf(authority)}.ca`),
    lists: crlFiles && crlFiles.flatMap((file) => readLists(file, `${settingOf(authority)}.crl`)),
  };
}

/** What is looked at for changes. They are of use together only: one of them is asked for all. */
export function certificateReaders(authority: CertificateAuthorityConfig): SecretReader[] {
  return [authority.caFile, ...(authority.crlFiles ?? [])].map((file, index) => ({
    setting: settingOf(authority),
    reference: { file },
    read: () => (index === 0 ? readCertificateAuthority(authority).ca : 'read with the first'),
  }));
}

export function settingOf({ name }: Pick<CertificateAuthorityConfig, 'name'>): string {
  return `identity.certificates.${name}`;
}

function readBundle(path: string, setting: string): string {
  const text = readBytes(path, setting, bundleBytesMax).toString('utf8');
  return inWords(setting, path, 'Write the certificates of the authorities there, in PEM.', () => {
    const certificates = readCertificates(text);
    if (certificates.length === 0) throw new Malformed('it holds no certificate in PEM');
    for (const certificate of certificates) {
      // Whether it is good at this time is asked with each certificate that it has signed.
      const trouble = troubleOfAuthority(certificate, certificate.from);
      if (trouble !== null) throw unusable(setting, `in ${path}: ${trouble.reason}`, trouble.fix);
    }
    return text;
  });
}

function readLists(path: string, setting: string): string[] {
  const file = readBytes(path, setting, bounds.revocationFileBytesMax);
  return inWords(setting, path, 'Write the whole list of the authority there, in PEM or DER.', () => {
    const lists = revocationListsIn(file);
    if (lists.length === 0) throw new Malformed('it holds no revocation list');
    for (const list of lists) readRevocationList(list);
    return lists.map((list) => list.toString('base64'));
  });
}

function inWords<Read>(setting: string, path: string, fix: string, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) throw unusable(setting, `${path}: ${error.message}`, fix, error);
    throw error;
  }
}

function readBytes(path: string, setting: string, bytesMax: number): Buffer {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > bytesMax) throw unusable(setting, `${path} is no file of at most ${bytesMax / 1024 / 1024} MiB`, 'Name such a file.');
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw unusable(setting, isGone ? `there is no file ${path}` : `${path} cannot be read`, 'Correct the path, and let this user read it.', error);
  }
}

function unusable(setting: string, reason: string, fix: string, cause?: unknown): Fault {
  return new Fault('secret_unavailable', { setting, reason, fix }, cause === undefined ? {} : { cause });
}
