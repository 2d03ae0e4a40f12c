import { z } from '@hono/zod-openapi';
import { exportConfig } from '../control/config/export-config.ts';
import { readSizes, type KeptSize } from '../control/config/read-sizes.ts';
import { reloadConfig, type ConfigRefusal, type ConfigState } from '../control/config/reload-config.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** The configuration that serves, and its reload. */
export function configRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/config',
      permission: 'config.read',
      tags: ['config'],
      summary: 'Which configuration serves',
      responses: { 200: json(z.object({ config: configSchema }), 'The configuration that serves, and why the file on disk does not where it does not.') },
    }),
    (c) => c.json({ config: configBody(c.var.context().configuration.state()) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/config/sizes',
      permission: 'config.read',
      tags: ['config'],
      summary: 'What the records weigh on disk, and what they will weigh',
      description:
        'Of the whole gateway; of a cluster of ledgers on all its nodes. `forecast_bytes` is the mean of the days of the last week times the days that it is kept: what it will weigh once the first of it is deleted, if days stay as they are.',
      responses: { 200: json(z.object({ sizes: z.array(sizeSchema) }), 'By the names of `retention`.') },
    }),
    async (c) => c.json({ sizes: (await readSizes(c.var.context())).map(sizeBody) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/config/export',
      permission: 'config.export',
      tags: ['config'],
      summary: 'The configuration as a gateway.yaml, with what was set while the gateway ran',
      description:
        'The file as it is on disk, its comments too, and in it what was made by the API, the price list, the policies, active targets, canaries and weights that were set by API; what a file cannot say, such as switches, stands in a comment at its head. Secrets stay references. Recorded in the audit.',
      responses: { 200: { content: { 'application/yaml': { schema: z.string() } }, description: 'A gateway.yaml.' } },
    }),
    async (c) => c.body(await exportConfig(c.var.context()), 200, { 'Content-Type': 'application/yaml' }) as never,
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/config/reload',
      permission: 'config.reload',
      tags: ['config'],
      summary: 'Reload the configuration file',
      description: 'A file serves whole or not at all. One that cannot is a result with `outcome: refused`, not a fault.',
      request: { query: z.object({ dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Say what would change, change nothing.' }) }) },
      responses: { 200: json(reloadSchema, 'What became of it.') },
    }),
    async (c) => {
      const { outcome, change, refusal, state } = await reloadConfig(c.var.context(), { dryRun: c.req.valid('query').dry_run === 'true' });
      const changes = change && {
        servers: {
          added: [...change.servers.added],
          removed: [...change.servers.removed],
          changed: change.servers.changed.map(({ name, settings }) => ({ name, settings: [...settings] })),
        },
        settings: [...change.settings],
        secrets: [...change.secrets],
      };
      return c.json({ outcome, changes, refusal: refusal && refusalBody(refusal), config: configBody(state) }, 200);
    },
  );
}

const configFaultSchema = z.object({
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
  path: z.string(),
  message: z.string(),
  cause: z.string(),
  fix: z.string(),
});

const refusalSchema = z
  .object({
    error: z.string().openapi({ description: 'The code of the fault.', example: 'config_invalid' }),
    message: z.string(),
    fix: z.string(),
    faults: z.array(configFaultSchema).openapi({ description: 'Each fault of the file, with its place.' }),
    faults_left_out: z.number().int(),
  })
  .openapi('ConfigRefusal');

const configSchema = z
  .object({
    file: z.string().nullable().openapi({ description: 'Null where the environment alone configures.' }),
    version: z.number().int().openapi({ description: 'Counts the configurations that have served since the start.' }),
    applied_at: timeSchema,
    checked_at: timeSchema.openapi({ description: 'When the file was last read.' }),
    refusal: refusalSchema.nullable().openapi({ description: 'Why the file on disk is not what serves; null where it is.' }),
  })
  .openapi('ConfigState');

const sizeSchema = z
  .object({
    name: z.enum(['traces', 'metrics', 'audit']),
    keep_days: z.number(),
    bytes: z.number().int(),
    bytes_per_day: z.number().int().nullable().openapi({ description: 'Null until a whole day has gone by.' }),
    forecast_bytes: z.number().int().nullable(),
  })
  .openapi('KeptSize');

const reloadSchema = z
  .object({
    outcome: z.enum(['applied', 'unchanged', 'planned', 'refused']),
    changes: z
      .object({
        servers: z.object({
          added: z.array(z.string()),
          removed: z.array(z.string()),
          changed: z.array(z.object({ name: z.string(), settings: z.array(z.string()) })),
        }),
        settings: z.array(z.string()).openapi({ description: 'Other settings that differ, by their place in the file.' }),
        secrets: z.array(z.string()).openapi({ description: 'Servers whose secrets have another value.' }),
      })
      .nullable(),
    refusal: refusalSchema.nullable(),
    config: configSchema,
  })
  .openapi('ConfigReload');

function configBody({ file, version, appliedAtMs, checkedAtMs, refusal }: ConfigState): z.infer<typeof configSchema> {
  return {
    file,
    version,
    applied_at: new Date(appliedAtMs).toISOString(),
    checked_at: new Date(checkedAtMs).toISOString(),
    refusal: refusal && refusalBody(refusal),
  };
}

function sizeBody({ name, keepDays, bytes, bytesPerDay }: KeptSize): z.infer<typeof sizeSchema> {
  return { name, keep_days: keepDays, bytes, bytes_per_day: bytesPerDay, forecast_bytes: bytesPerDay === null ? null : Math.round(bytesPerDay * keepDays) };
}

function refusalBody({ code, message, fix, faults, faultsLeftOut }: ConfigRefusal): z.infer<typeof refusalSchema> {
  return { error: code, message, fix, faults: faults.map(({ unsafe: _, ...fault }) => fault), faults_left_out: faultsLeftOut };
}
