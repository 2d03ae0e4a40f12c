/** `listen.tls` as it is written. */
import { z } from 'zod';
import { secretReference, strict } from './schema-parts.ts';

const file = z.string({ error: 'must be the path of a PEM file' }).min(1, { error: 'must be the path of a PEM file' }).max(4096);

export const listenTls = strict({
  cert: file.meta({
    description: "File of the gateway's certificate and its chain, in PEM; relative to the configuration file.",
    examples: ['/etc/gatewayops/tls.crt'],
  }),
  key: secretReference.meta({ description: 'Its private key, in PEM.', examples: [{ file: '/etc/gatewayops/tls.key' }] }),
  client_ca: file.optional().meta({
    description: 'File of the certificate authorities, in PEM, that client certificates must be signed by. With it clients are asked for one.',
    examples: ['/etc/gatewayops/clients.pem'],
  }),
  client_certificates: z
    .enum(['optional', 'required'], { error: 'must be optional or required' })
    .optional()
    .meta({
      description: '`required`: no connection without one; `optional`: who shows one must show a good one. Default: required, where there is a `client_ca`.',
      examples: ['required'],
    }),
  min_version: z
    .enum(['1.2', '1.3'], { error: 'must be "1.2" or "1.3" (in quotes)' })
    .default('1.3')
    .meta({ description: 'Lowest version of TLS that is spoken.', examples: ['1.2'] }),
});
