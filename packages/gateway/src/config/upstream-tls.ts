import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Fault } from '../kernel/fault.ts';
import type { TlsData } from '../snapshot/upstream-data.ts';
import type { SecretReference, UpstreamTlsConfig } from './config.ts';

const pemBytesMax = 1024 * 1024;

/**
 * What the gateway shows and trusts at a server, read now. `setting` names the place that asks (`servers.search.tls`), `readSecret` gives
 * the key. Faults: those of `readSecret`; `secret_unavailable` where a file cannot be read, is no PEM, or the key is not the certificate's.
 */
export function readUpstreamTls(
  { caFile, certFile, key, serverName }: UpstreamTlsConfig,
  setting: string,
  readSecret: (reference: SecretReference, setting: string) => string,
): TlsData {
  const data: TlsData = {
    ca: caFile === null ? null : readPem(caFile, `${setting}.ca`),
    cert: certFile === null ? null : readPem(certFile, `${setting}.cert`),
    key: key === null ? null : readSecret(key, `${setting}.key`),
    serverName,
  };
  try {
    createSecureContext({
      ...(data.ca === null ? {} : { ca: data.ca }),
      ...(data.cert === null || data.key === null ? {} : { cert: data.cert, key: data.key }),
    });
  } catch (cause) {
    throw new Fault(
      'secret_unavailable',
      { setting, reason: 'its certificates and key cannot be used together', fix: 'Give PEM files, and the key of this certificate.' },
      { cause },
    );
  }
  return data;
}

function readPem(path: string, setting: string): string {
  const refuse = (reason: string, fix: string, cause?: unknown): Fault => new Fault('secret_unavailable', { setting, reason, fix }, { cause });
  let text: string;
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > pemBytesMax) throw new Error('not a file of at most 1 MiB');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw refuse(gone ? `there is no file ${path}` : `${path} cannot be read`, 'Correct the path, and let this user read it.', error);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw refuse(`${path} holds no certificate in PEM`, 'Write it as PEM: -----BEGIN CERTIFICATE-----.');
  return text;
}
