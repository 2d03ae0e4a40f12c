/** `backup` of gateway.yaml: backups that the gateway takes by itself. */
import { z } from 'zod';
import { day, duration, hour, strict } from './schema-parts.ts';

export const backupSchema = strict({
  folder: z
    .string({ error: 'must be the path of a folder' })
    .min(1, { error: 'must be the path of a folder' })
    .max(4096)
    .meta({
      description:
        'Folder of the backups, relative to the configuration file; made where it is not there, for its owner alone. It should lie on another disk than the stores.',
      examples: ['/backup/gatewayops'],
    }),
  every: duration(hour, 30 * day)
    .default('1d')
    .meta({ description: 'A backup in each period of this length, counted in UTC: with 1d soon after midnight. What is lost at most.', examples: ['1d'] }),
  keep: duration(day, 3_660 * day)
    .default('30d')
    .meta({ description: 'How long backups stay in the folder. The last one stays in any case.', examples: ['30d'] }),
  ledger: z
    .enum(['none', 'costs', 'all'], { error: 'must be none, costs or all' })
    .default('costs')
    .meta({ description: 'Of the ledger: `none`; `costs`, what each day has cost; `all`, the calls and their masked bodies too.', examples: ['all'] }),
}).optional();
