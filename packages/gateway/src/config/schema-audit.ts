/** The section `audit` of gateway.yaml. */
import { z } from 'zod';
import { list, section, strict, text } from './schema-parts.ts';

export const auditSchema = section(
  strict({
    retention: text(/^(?:36[5-9]|3[7-9]\d|[4-9]\d\d|1\d{3}|2[0-4]\d\d|25[0-4]\d|255[0-5])d$/, 'must be whole days from 365d (a year) to 2555d (seven years)')
      .default('365d')
      .meta({ description: 'How long events of the audit are kept, from one year to seven.', examples: ['2555d'] }),
    trusted_keys: list(z.string().regex(/^[A-Za-z0-9+/]{43}=$/, { error: 'must be a public key as `gateway audit keys` shows it' }), 100).meta({
      description:
        'Public keys of other nodes on the same registry, as `gateway audit keys` shows them: what they signed is verified too. Its own keys a node knows.',
      examples: [['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=']],
    }),
  }),
);
