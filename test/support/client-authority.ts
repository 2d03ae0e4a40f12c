/** A private certificate authority for tests: client certificates of every kind, good and bad, and its revocation lists. */
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsageExtension,
  Extension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  type JsonGeneralNames,
  type X509Certificate,
} from '@peculiar/x509';
import { keyUsageBits } from '../../packages/gateway/src/x509/certificate.ts';
import type { Certificate } from './certificates.ts';

cryptoProvider.set(webcrypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 3_600_000;
export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const serverAuth = '1.3.6.1.5.5.7.3.1';

export interface IssueOptions {
  readonly name?: string;
  readonly uri?: string;
  readonly dns?: string;
  readonly email?: string;
  /** From when to when it is valid, in days from now. */
  readonly days?: readonly [number, number];
  /** Null: it says nothing of it. */
  readonly purposes?: readonly string[] | null;
  /** Bits of KeyUsage. */
  readonly keyUsage?: readonly number[];
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** Beside the others. */
  readonly extensions?: readonly Extension[];
  /** In the place of the names above: what stands in subjectAltName, byte for byte. */
  readonly rawNames?: Uint8Array;
  readonly rsaBits?: number;
  readonly signedBySha1?: boolean;
}

export interface IssuedCertificate extends Certificate {
  readonly x509: X509Certificate;
  /** As `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  /** Base64 of its DER. */
  readonly base64: string;
}

export interface ClientAuthority extends IssuedCertificate {
  issue(options?: IssueOptions): Promise<IssuedCertificate>;
  /** An authority that it has signed. */
  below(options?: IssueOptions): Promise<ClientAuthority>;
  /** Its list of revoked certificates, in PEM. */
  list(
    revoked?: readonly IssuedCertificate[],
    options?: { readonly days?: readonly [number, number]; readonly extensions?: readonly Extension[] },
  ): Promise<string>;
}

let serial = 0x1000;

export async function makeClientAuthority(options: IssueOptions = {}): Promise<ClientAuthority> {
  const keys = await newKeys(options);
  return authority(await make({ ...options, isAuthority: true, name: options.name ?? 'clients authority' }, keys, null), keys);
}

function authority(own: IssuedCertificate, keys: webcrypto.CryptoKeyPair): ClientAuthority {
  return {
    ...own,
    issue: async (options = {}) => make(options, await newKeys(options), { own, keys }),
    async below(options = {}) {
      const belowKeys = await newKeys(options);
      return authority(await make({ name: 'issuing authority', ...options, isAuthority: true }, belowKeys, { own, keys }), belowKeys);
    },
    async list(revoked = [], { days: [from, until] = [-1, 7], extensions = [] } = {}) {
      const list = await X509CrlGenerator.create({
        issuer: own.x509.subjectName,
        thisUpdate: at(from),
        nextUpdate: at(until),
        entries: revoked.map(({ x509 }) => ({ serialNumber: x509.serialNumber, revocationDate: at(-0.5) })),
        extensions: [...extensions],
        signingAlgorithm: algorithm,
        signingKey: keys.privateKey,
      });
      return pem('X509 CRL', Buffer.from(list.rawData));
    },
  };
}

async function make(
  options: IssueOptions,
  keys: webcrypto.CryptoKeyPair,
  by: { readonly own: IssuedCertificate; readonly keys: webcrypto.CryptoKeyPair } | null,
): Promise<IssuedCertificate> {
  const { name = 'client', isAuthority = false, days: [from, until] = [-1, 90], purposes = isAuthority ? null : [clientAuth] } = options;
  const usage = options.keyUsage ?? (isAuthority ? [keyUsageBits.keyCertSign, keyUsageBits.crlSign] : [keyUsageBits.digitalSignature]);
  const names: JsonGeneralNames = [
    ...(options.uri === undefined ? [] : [{ type: 'url' as const, value: options.uri }]),
    ...(options.dns === undefined ? [] : [{ type: 'dns' as const, value: options.dns }]),
    ...(options.email === undefined ? [] : [{ type: 'email' as const, value: options.email }]),
  ];
  const san =
    options.rawNames === undefined
      ? names.length === 0
        ? []
        : [new SubjectAlternativeNameExtension(names)]
      : [new Extension('2.5.29.17', false, options.rawNames)];
  const x509 = await X509CertificateGenerator.create({
    serialNumber: (serial++).toString(16),
    subject: `CN=${name}`,
    issuer: by === null ? `CN=${name}` : by.own.x509.subjectName,
    notBefore: at(from),
    notAfter: at(until),
    signingAlgorithm:
      options.signedBySha1 === true ? { ...algorithm, hash: 'SHA-1' } : options.rsaBits !== undefined && by === null ? rsa(options.rsaBits) : algorithm,
    publicKey: keys.publicKey,
    signingKey: by === null ? keys.privateKey : by.keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(isAuthority, options.pathLength, true),
      new Extension('2.5.29.15', true, new Uint8Array([3, 2, 0, usage.reduce((byte, bit) => byte | (0x80 >> bit), 0)])),
      ...(purposes === null ? [] : [new ExtendedKeyUsageExtension([...purposes])]),
      ...san,
      ...(options.extensions ?? []),
    ],
  });
  const der = Buffer.from(x509.rawData);
  const fingerprint = Buffer.from(await webcrypto.subtle.digest('SHA-256', der))
    .toString('hex')
    .toUpperCase();
  return {
    x509,
    cert: `${x509.toString('pem')}\n`,
    key: pem('PRIVATE KEY', Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))),
    fingerprint: `sha256:${fingerprint.replaceAll(/(..)(?=.)/g, '$1:')}`,
    base64: der.toString('base64'),
  };
}

function newKeys({ rsaBits }: IssueOptions): Promise<webcrypto.CryptoKeyPair> {
  const kind = rsaBits === undefined ? algorithm : rsa(rsaBits);
  return webcrypto.subtle.generateKey(kind, true, ['sign', 'verify']);
}

function rsa(modulusLength: number) {
  return { name: 'RSASSA-PKCS1-v1_5', modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
}

function at(days: number): Date {
  return new Date(Date.now() + days * dayMs);
}

function pem(label: string, der: Buffer): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
}
