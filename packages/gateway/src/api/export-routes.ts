import { z } from '@hono/zod-openapi';
import { getExport, openExport, startExport } from '../control/logs/export-requests.ts';
import type { ExportJob } from '../control/logs/export-desk.ts';
import { logFilters, logQuestion } from './call-question.ts';
import { requestBody, requestColumns } from './log-shape.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';
import { streamedBytes } from './streamed.ts';

/** The request log as a file: made by a job, fetched when it is done. */
export function exportRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/logs/export',
      permission: 'logs.export',
      tags: ['logs'],
      summary: 'Export the request log, all of it that fits',
      description:
        'Begins a job that writes every call that fits, not a page, newest first. Follow it at `status_url`; the file is at `download_url` once the state is `done`, on the node that made it, until it expires or the node restarts.',
      request: { body: body(exportBody) },
      responses: { 202: json(jobSchema, 'The job.') },
    }),
    async (c) => {
      const asked = c.req.valid('json');
      const job = await startExport(c.var.context(), {
        ...logQuestion(asked),
        format: asked.format,
        columns: asked.columns ?? requestColumns,
        rowOf: requestBody,
      });
      return c.json({ export: jobBody(job) }, 202);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/logs/exports/{export_id}',
      permission: 'logs.export',
      tags: ['logs'],
      summary: 'How far an export is',
      request: { params: idParams },
      responses: { 200: json(jobSchema, 'The job.') },
    }),
    (c) => c.json({ export: jobBody(getExport(c.var.context(), c.req.valid('param').export_id)) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/logs/exports/{export_id}/file',
      permission: 'logs.export',
      tags: ['logs'],
      summary: 'The file of an export that is done',
      request: { params: idParams },
      responses: { 200: { content: { 'text/csv': { schema: z.string() }, 'application/x-ndjson': { schema: z.string() } }, description: 'The file.' } },
    }),
    async (c) => {
      const { job, file } = await openExport(c.var.context(), c.req.valid('param').export_id);
      return streamedBytes(c, file, {
        'Content-Type': job.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        'Content-Disposition': `attachment; filename="requests-${job.id}.${job.format}"`,
        'Content-Length': String(job.bytes),
      });
    },
  );
}

const idParams = z.object({
  export_id: z
    .string()
    .regex(/^exp_[0-9A-Za-z]{20}$/, 'an export id is exp_ and 20 letters or digits')
    .openapi({ example: 'exp_8bTzQ2LkWv0aXh5nRc9D' }),
});

const exportBody = z.strictObject({
  ...logFilters.shape,
  format: z.enum(['csv', 'jsonl']).default('csv'),
  columns: z
    .array(z.enum(requestColumns))
    .min(1)
    .max(requestColumns.length)
    .refine((columns) => new Set(columns).size === columns.length, 'a column is named twice')
    .optional()
    .openapi({ description: 'Members of an entry of the request log, in the order wanted; all by default.' }),
});

const jobSchema = z
  .object({
    export: z.object({
      id: z.string(),
      format: z.enum(['csv', 'jsonl']),
      state: z.enum(['running', 'done', 'failed']),
      reason: z.string().nullable(),
      rows: z.number().int(),
      estimated_rows: z.number().int().nullable(),
      bytes: z.number().int(),
      truncated: z.boolean().openapi({ description: 'The file came to its bound and holds the newest rows only.' }),
      created_at: timeSchema,
      expires_at: timeSchema,
      status_url: z.string(),
      download_url: z.string().nullable(),
    }),
  })
  .openapi('LogExport');

function jobBody(job: ExportJob): z.output<typeof jobSchema>['export'] {
  const { id, format, state, reason, rows, estimatedRows, bytes, truncated, createdAtMs, expiresAtMs } = job;
  return {
    id,
    format,
    state,
    reason,
    rows,
    estimated_rows: estimatedRows,
    bytes,
    truncated,
    created_at: new Date(createdAtMs).toISOString(),
    expires_at: new Date(expiresAtMs).toISOString(),
    status_url: `/v1/logs/exports/${id}`,
    download_url: state === 'done' ? `/v1/logs/exports/${id}/file` : null,
  };
}
