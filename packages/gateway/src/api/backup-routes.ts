import { z } from '@hono/zod-openapi';
import { ledgerScopes } from '../backup/manifest.ts';
import { listBackups } from '../control/backup/list-backups.ts';
import { takeBackup } from '../control/backup/take-backup.ts';
import { bounds } from '../kernel/bounds.ts';
import { durationText } from '../kernel/duration-text.ts';
import type { BackupRun } from '../store/registry/registry-store.ts';
import { json, route, timeSchema, type Api } from './route.ts';
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
  api.openapi(
    route({
      method: 'get',
      path: '/v1/backups',
      permission: 'backup.read',
      tags: ['backup'],
      summary: 'List the backups that the gateway took by itself',
      description: 'As `backup` of gateway.yaml says, by any node on the same registry; newest first.',
      request: {
        query: z.object({
          limit: z.coerce.number().int().min(1).max(bounds.backupsListMax).default(50),
          cursor: z
            .string()
            .regex(/^\d{1,15}$/, 'it is none of this list')
            .optional()
            .openapi({ description: 'Where the page begins; the page before names it.' }),
        }),
      },
      responses: { 200: json(backupsSchema, 'What came of each, and when the next one is due.') },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const context = c.var.context();
      const page = await listBackups(context, { before: cursor === undefined ? null : Number(cursor), limit });
      const { backup: plan } = context.config;
      const status = context.backups.status();
      return c.json(
        {
          backups: page.runs.map(runBody),
          schedule: plan && {
            folder: plan.folder,
            every: durationText(plan.everyMs),
            keep: durationText(plan.keepMs),
            ledger: plan.ledger,
            state: status?.state ?? ('starting' as const),
            reason: status?.reason ?? null,
            next_at: status === null ? null : new Date(status.nextAtMs).toISOString(),
          },
          cursor: page.before === null ? null : String(page.before),
          has_more: page.before !== null,
        },
        200,
      );
    },
  );
}

function runBody(run: BackupRun): z.infer<typeof runSchema> {
  return {
    id: run.id,
    state: run.state,
    started_at: new Date(run.startedAtMs).toISOString(),
    ended_at: run.endedAtMs === null ? null : new Date(run.endedAtMs).toISOString(),
    node: run.node,
    file: run.path,
    bytes: run.bytes,
    ledger: run.ledger,
    audit_ok: run.auditOk,
    reason: run.reason,
  };
}

const runSchema = z
  .object({
    id: z.string().openapi({ example: 'bkp_4Qm0c7Zt5yB1uVnE2sXa' }),
    state: z.enum(['running', 'done', 'failed']),
    started_at: timeSchema,
    ended_at: timeSchema.nullable(),
    node: z.string().openapi({ description: 'The node that took it, on whose disk it is.' }),
    file: z.string(),
    bytes: z.number().int().nullable(),
    ledger: z.string().openapi({ description: 'What of the ledger is in it: none, costs or all.' }),
    audit_ok: z.boolean().nullable().openapi({ description: 'Whether the audit in it is whole; null where it is not done.' }),
    reason: z.string().nullable().openapi({ description: 'Why it failed.' }),
  })
  .openapi('Backup');

const backupsSchema = z.object({
  backups: z.array(runSchema),
  schedule: z
    .object({
      folder: z.string(),
      every: z.string(),
      keep: z.string(),
      ledger: z.string(),
      state: z.enum(['starting', 'ok', 'failing']),
      reason: z.string().nullable(),
      next_at: timeSchema.nullable(),
    })
    .nullable()
    .openapi({ description: 'Null where gateway.yaml has no `backup`.' }),
  cursor: z.string().nullable(),
  has_more: z.boolean(),
});

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
