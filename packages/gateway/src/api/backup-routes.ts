import { z } from '@hono/zod-openapi';
import { ledgerScopes } from '../backup/manifest.ts';
import { takeBackup } from '../control/backup/take-backup.ts';
import { route, type Api } from './route.ts';
import { streamedBytes } from './streamed.ts';

export function backupRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/backup',
      permission: 'backup.read',
      tags: ['backup'],
      summary: 'Take a backup while the gateway runs',
      description:
        'A ZIP with a signed manifest: the registry, the audit with its checkpoints and public keys, the configuration file without the secrets that it refers to, and of the ledger what is asked for. `gateway backup` checks what it has received; `gateway restore` reads it. Sent as it is read, however much it is; one that was cut does not end. Recorded in the audit.',
      request: { query: backupQuery },
      responses: { 200: { content: { 'application/zip': { schema: z.string().openapi({ format: 'binary' }) } }, description: 'The backup.' } },
    }),
    async (c) => {
      const { ledger, from, to } = c.req.valid('query');
      return streamedBytes(c, await takeBackup(c.var.context(), { ledger, from: from ?? null, to: to ?? null }), { 'Content-Type': 'application/zip' });
    },
  );
}

const day = z.iso.date().openapi({ example: '2026-01-15' });

const backupQuery = z
  .object({
    ledger: z
      .enum(ledgerScopes)
      .default('none')
      .openapi({ description: 'Of the ledger: `none`; `costs`, what each day has cost; `all`, the calls and their masked bodies too.' }),
    from: day.optional().openapi({ description: 'First day of calls, UTC.' }),
    to: day.optional().openapi({ description: 'Last day of calls, UTC.' }),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, { error: 'it must not begin after it ends', path: ['from'] });
