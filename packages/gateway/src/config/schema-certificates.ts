/** `identity.certificates` as it is written: who vouches for callers by client certificates. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { networksOf } from '../kernel/outward-address.ts';
import { callerEntry, mostOf, organizationOf } from './schema-callers.ts';
import { list, strict } from './schema-parts.ts';
import { issuerName } from './schema-route-auth.ts';

const file = z.string({ error: 'must be the path of a file' }).min(1, { error: 'must be the path of a file' }).max(4096);

const uriError = 'must be a URI such as spiffe://acme.example/indexer; * may stand for one whole segment of its path';
const dnsError = 'must be a host name such as indexer.acme.example; * may stand for one whole label of it';
const emailError = 'must be an address such as ana@acme.example; * may stand before the @';
const fingerprintError = 'must be sha256: and 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` prints them';

const caller = strict({
  uri: z
    .string({ error: uriError })
    .max(2048, { error: uriError })
    .refine((one) => /^[a-z][a-z0-9+.-]*:(?:\/\/[^\s/?#*]+(?:\/(?:\*|[^\s/*]+))*|[^\s/*]+)$/i.test(one), { error: uriError })
    .optional()
    .meta({ description: 'A URI among the names of the certificate (subjectAltName), such as a SPIFFE ID.', examples: ['spiffe://acme.example/indexer'] }),
  dns: z
    .string({ error: dnsError })
    .max(255, { error: dnsError })
    .refine((one) => /^(?:\*|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)(?:\.(?:\*|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?))*$/i.test(one), { error: dnsError })
    .optional()
    .meta({ description: 'A host name among them.', examples: ['indexer.acme.example'] }),
  email: z
    .string({ error: emailError })
    .max(320, { error: emailError })
    .refine((one) => /^(?:\*|[^\s@*]+)@[^\s@*]+$/.test(one), { error: emailError })
    .optional()
    .meta({ description: 'An e-mail address among them.', examples: ['ana@acme.example'] }),
  fingerprint: z
    .string({ error: fingerprintError })
    .refine((one) => /^sha256:[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i.test(one), { error: fingerprintError })
    .optional()
    .meta({
      description: 'SHA-256 of the whole certificate: this one and no other.',
      examples: ['sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    }),
  ...callerEntry,
});

const authority = strict({
  name: issuerName.meta({ description: 'Name of the authority, for records.', examples: ['acme'] }),
  organization: organizationOf('callers it vouches for'),
  ca: file.meta({
    description: 'File of the certificates of the authority, in PEM. Public authorities are never trusted for callers.',
    examples: ['./clients-ca.pem'],
  }),
  crl: z
    .union([file, z.array(file).min(1).max(bounds.revocationFilesMax)], { error: 'must be the path of a file, or a list of them' })
    .optional()
    .meta({
      description:
        'Files of its revocation lists (CRL), in PEM or DER. With them every authority in a chain needs one that has not expired: without it nobody is let in. Default: nobody asks whether a certificate was revoked.',
      examples: ['./clients.crl'],
    }),
  callers: z
    .array(caller, { error: 'must be a list' })
    .min(1, { error: 'must name a caller' })
    .max(10_000)
    .meta({ description: 'Which certificates are of which user, service account or agent of the directory; the first that fits. It has to be there.' }),
  ...mostOf('authority'),
});

const networkError = 'must be an address or a network, such as 10.0.0.5 or 10.1.0.0/16';

export const certificatesSchema = strict({
  authorities: list(authority, bounds.certificateAuthoritiesMax).meta({
    description: 'Private certificate authorities whose client certificates routes with `auth: { type: mtls }` take.',
  }),
  proxies: list(
    z
      .string({ error: networkError })
      .max(49, { error: networkError })
      .refine((one) => networksOf([one]) !== null, { error: networkError }),
    100,
  ).meta({
    description:
      'Addresses of proxies that end TLS before the gateway and say in `Client-Cert` (RFC 9440) which certificate a client has shown. From any other address that header is nobody. Default: none.',
    examples: [['10.0.0.5']],
  }),
});

export type CertificateAuthorityEntry = z.output<typeof authority>;
