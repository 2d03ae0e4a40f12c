/** Certificates for tests, made as they are needed: an authority, and what it signs. Elliptic curves, for they are made quickly. */
import { generate } from 'selfsigned';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

const dayMs = 24 * 3_600_000;

export function makeAuthority(name = 'test authority'): Promise<Certificate> {
  return make(name, {}, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
}

/** For 127.0.0.1 and localhost unless `names` says otherwise; `days`: from when to when it is valid, counted from now. */
export function makeServerCertificate(
  authority: Certificate,
  options: { readonly days?: readonly [number, number]; readonly name?: string; readonly names?: readonly string[] } = {},
): Promise<Certificate> {
  return make(options.name ?? 'localhost', { ca: authority, days: options.days }, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: [...(options.names ?? ['localhost']).map((value) => ({ type: 2 as const, value })), { type: 7, ip: '127.0.0.1' }] },
  ]);
}

export function makeClientCertificate(authority: Certificate, name = 'test client', days?: readonly [number, number]): Promise<Certificate> {
  return make(name, { ca: authority, days }, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'extKeyUsage', clientAuth: true },
  ]);
}

async function make(
  name: string,
  { ca, days: [from, until] = [-1, 90] }: { readonly ca?: Certificate; readonly days?: readonly [number, number] | undefined },
  extensions: NonNullable<Parameters<typeof generate>[1]>['extensions'] & {},
): Promise<Certificate> {
  const nowMs = Date.now();
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs + from * dayMs),
    notAfterDate: new Date(nowMs + until * dayMs),
    extensions,
    ...(ca === undefined ? {} : { ca }),
  });
  return { cert, key };
}
