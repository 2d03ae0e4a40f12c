import { z } from '@hono/zod-openapi';
import { readHealth, type HealthReport } from '../control/health/read-health.ts';
import type { Actor } from '../control/context.ts';
import { json, route, type Api } from './route.ts';

/** Health for everyone in one word; in detail for who may read it. Nothing that is inside shows outside. */
export function healthRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/health',
      permission: 'public',
      tags: ['health'],
      summary: 'How the gateway is',
      responses: { 200: json(healthSchema, 'It answers; `status` says how well it is.') },
    }),
    async (c) => c.json(visible(await readHealth(c.var.dependencies), c.var.actor), 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/ready',
      permission: 'public',
      tags: ['health'],
      summary: 'Whether the gateway can serve calls',
      responses: { 200: json(healthSchema, 'It can.'), 503: json(healthSchema, 'A part that it cannot do without is missing.') },
    }),
    async (c) => {
      const report = await readHealth(c.var.dependencies);
      return report.status === 'unready' ? c.json(visible(report, c.var.actor), 503) : c.json(visible(report, c.var.actor), 200);
    },
  );
}

const stateSchema = z.object({ state: z.string(), reason: z.string().nullable() });
const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'unready']),
    dependencies: z
      .record(z.string(), stateSchema.extend({ required: z.boolean(), note: z.string().optional() }))
      .optional()
      .openapi({ description: 'Only for callers with `health.read`.' }),
    servers: z.record(z.string(), stateSchema).optional(),
  })
  .openapi('Health');

function visible(report: HealthReport, actor: Actor | null): z.infer<typeof healthSchema> {
  return actor?.can('health.read') ? report : { status: report.status };
}
