import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Fault } from '../kernel/fault.ts';
import type { DoorTls } from '../listener/secure-server.ts';
import type { ListenTlsConfig, SecretReference } from './config.ts';

/** What the door shows, and until when it can. */
export interface ListenTlsMaterial {
  readonly tls: Omit<DoorTls, 'ticketKeys'>;
  readonly expiresAtMs: number;
}

/** From when on a certificate that expires is warned of. */
const warnMs = 21 * 24 * 3_600_000;

/** What is to be said of a certificate that has expired or soon will, or null. */
export function expiryText(expiresAtMs: number, nowMs: number): string | null {
  const at = new Date(expiresAtMs).toISOString();
  if (nowMs >= expiresAtMs) return `the certificate of listen.tls expired at ${at}: clients refuse it`;
  return expiresAtMs - nowMs < warnMs ? `the certificate of listen.tls expires at ${at}` : null;
}

const pemBytesMax = 1024 * 1024;
const setting = 'listen.tls';

/**
 * Certificate and key of the door, read now. Faults: those of `readSecret` for the key; `tls_unusable` for what no client could
 * accept: no PEM, a key of another certificate, one that has expired or is not valid yet.
 */
export function readListenTls(
  { certFile, key, clientCaFile, clientCertificates, minVersion }: ListenTlsConfig,
  readSecret: (reference: SecretReference, setting: string) => string,
  nowMs: number,
): ListenTlsMaterial {
  const cert = readPem(certFile, `${setting}.cert`);
  const keyText = readSecret(key, `${setting}.key`);
  const clientCa = clientCaFile === null ? null : readPem(clientCaFile, `${setting}.client_ca`);
  const certificate = parse(cert, certFile, `${setting}.cert`);
  if (clientCa !== null && clientCaFile !== null) parse(clientCa, clientCaFile, `${setting}.client_ca`);
  let privateKey;
  try {
    privateKey = createPrivateKey(keyText);
  } catch (cause) {
    // A passphrase would have to stand beside the key that it protects.
    throw unusable(`${setting}.key`, 'it is no private key in PEM without a passphrase', 'Write it as PEM: -----BEGIN PRIVATE KEY-----.', cause);
  }
  if (!certificate.checkPrivateKey(privateKey))
    throw unusable(`${setting}.key`, `it is not the key of the certificate in ${certFile}`, 'Name the key that the certificate was made with.');
  const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (nowMs >= until)
    throw unusable(`${setting}.cert`, `the certificate in ${certFile} expired at ${new Date(until).toISOString()}`, 'Put a renewed certificate there.');
  if (nowMs < from)
    throw unusable(
      `${setting}.cert`,
      `the certificate in ${certFile} is valid only from ${new Date(from).toISOString()} on`,
      'Set the clock right, or put another certificate there.',
    );
  return { tls: { cert, key: keyText, clientCa, clientCertificates, minVersion }, expiresAtMs: until };
}

function parse(pem: string, path: string, at: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unusable(at, `${path} holds no certificate in PEM`, 'Write it as PEM: -----BEGIN CERTIFICATE-----, then its chain.', cause);
  }
}

function readPem(path: string, at: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > pemBytesMax) throw unusable(at, `${path} is no file of at most 1 MiB`, 'Name a PEM file.');
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Fault) throw error;
    const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw unusable(at, gone ? `there is no file ${path}` : `this user may not read ${path}`, 'Correct the path, and let this user read it.', error);
  }
}

function unusable(at: string, reason: string, fix: string, cause?: unknown): Fault {
  return new Fault('tls_unusable', { setting: at, reason, fix }, cause === undefined ? {} : { cause });
}
