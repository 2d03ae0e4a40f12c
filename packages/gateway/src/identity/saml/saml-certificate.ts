import { X509Certificate } from 'node:crypto';
import { bounds } from '../../kernel/bounds.ts';

/** A certificate that a provider signs with, as the configuration or its metadata has it. */
export interface SamlCertificate {
  readonly pem: string;
  readonly expiresAtMs: number;
}

/** The certificates of a PEM text, each good enough to be believed; else why not, in words. */
export function readCertificates(text: string): readonly SamlCertificate[] | string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return 'there is no certificate in it';
  const found: SamlCertificate[] = [];
  for (const block of blocks) {
    const certificate = certificateOf(block);
    if (certificate === null) return 'a certificate in it cannot be read';
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    const bits = asymmetricKeyDetails?.modulusLength ?? 0;
    if (asymmetricKeyType !== 'rsa') return `the key of ${certificate.subject.slice(0, 100)} is ${asymmetricKeyType ?? 'unknown'}, and only RSA is taken`;
    if (bits < bounds.samlKeyBitsMin)
      return `the key of ${certificate.subject.slice(0, 100)} has ${bits} bits, and fewer than ${bounds.samlKeyBitsMin} are not taken`;
    found.push({ pem: certificate.toString(), expiresAtMs: certificate.validToDate.getTime() });
  }
  return found;
}

/** As metadata has it: Base64 without its frame. */
export function framed(base64: string): string {
  const lines = base64.replaceAll(/\s/g, '').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function certificateOf(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}
