import { z } from '@hono/zod-openapi';
import { auditResults } from '../chain/audit-record.ts';
import type { PublicKeyRecord } from '../chain/checkpoint.ts';
import { recordBody } from '../chain/record-body.ts';
import { findingKinds } from '../chain/findings.ts';
import type { StoredRecord } from '../chain/verify-events.ts';
import { bounds } from '../kernel/bounds.ts';
import { exportAudit, exportFormats, type ExportFormat } from '../control/audit/export-audit.ts';
import { callChoices } from '../control/audit/list-calls.ts';
import { listEvents, type AuditFilter } from '../control/audit/list-events.ts';
import { rotateAuditKey } from '../control/audit/rotate-audit-key.ts';
import type { StreamStatus } from '../control/audit/stream-desk.ts';
import { callScopes, verifyAudit, type AuditVerdict } from '../control/audit/verify-audit.ts';
import { nameActors } from '../control/directory/name-actors.ts';
import { actorNameSchema } from './actor-names.ts';
import { json, route, timeSchema, type Api } from './route.ts';
import { streamed } from './streamed.ts';

/** Who changed what, and the proof that the record of it is whole. */
export function auditRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/logs/audit',
      permission: 'audit.read',
      tags: ['audit'],
      summary: 'List events of the audit, newest first',
      description:
        'Refused calls are among them (`tool.called`, `resource.read`, `prompt.read`, `server.called`), with `tool_calls=all` every call of a tool, a resource or a prompt: from the ledger, where they have a chain of their own.',
      request: { query: listQuery },
      responses: { 200: json(listSchema, 'A page of events.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const page = await listEvents(c.var.context(), { filter: filterOf(query), calls: query.tool_calls, cursor: query.cursor ?? null, limit: query.limit });
      const names = await nameActors(
        c.var.context(),
        page.events.map(({ actorId }) => actorId),
      );
      return c.json(
        { events: page.events.map((event) => eventBody(event, names)), tool_calls: page.calls, cursor: page.cursor, has_more: page.cursor !== null },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/audit/verify',
      permission: 'audit.read',
      tags: ['audit'],
      summary: 'Check that no record of the audit was changed',
      description: 'Reads the whole audit, and every call that the ledger keeps. What is wrong with it is a result with `ok: false`, not a fault.',
      request: { query: z.object({ calls: callsQuery.default('rows') }) },
      responses: { 200: json(verdictSchema, 'What was found.') },
    }),
    async (c) => c.json({ verification: verdictBody(await verifyAudit(c.var.context(), c.req.valid('query').calls)) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/audit/export',
      permission: 'audit.read',
      tags: ['audit'],
      summary: 'Export the audit',
      description:
        '`proof`: all of it with its signatures, to be checked elsewhere. The others take the filters of the list: `csv`, `jsonl`, `cef` (ArcSight Common Event Format), `ocsf` (Open Cybersecurity Schema Framework 1.6.0, one object a line). Sent as it is read, however much it is; exports are recorded.',
      request: { query: exportQuery },
      responses: {
        200: {
          content: { 'application/x-ndjson': { schema: z.string() }, 'text/csv': { schema: z.string() }, 'text/plain': { schema: z.string() } },
          description: 'The export. One that was cut is not ended.',
        },
      },
    }),
    async (c) => {
      const { format, calls, tool_calls: events, ...query } = c.req.valid('query');
      return streamed(c, await exportAudit(c.var.context(), { format, calls, filter: filterOf(query), events }), exportTypes[format]);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/audit/keys',
      permission: 'audit.read',
      tags: ['audit'],
      summary: 'List the public keys that sign the audit',
      description: 'Keep them elsewhere: with them an export can be checked on any machine.',
      responses: { 200: json(z.object({ keys: z.array(keySchema) }), 'The keys of all nodes, oldest first.') },
    }),
    async (c) => {
      const { registry, audit } = c.var.context();
      return c.json({ keys: (await registry.audit.keys()).map((key) => keyBody(key, key.id === audit.key.id)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/audit/streams',
      permission: 'audit.read',
      ofGateway: true,
      tags: ['audit'],
      summary: 'List the streams of the audit to other programs, and how far they are',
      description: 'As the node that answers sees them; of several nodes on one registry one sends.',
      responses: { 200: json(z.object({ streams: z.array(streamSchema) }), 'The streams, in the order of `audit.streams`.') },
    }),
    (c) => c.json({ streams: c.var.context().streams.list().map(streamBody) }, 200),
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/audit/keys/rotate',
      permission: 'audit.write',
      tags: ['audit'],
      summary: 'Give this node a new signing key',
      description: 'The old key vouches for the new one and is deleted; what it signed stays good.',
      responses: { 200: json(z.object({ key: keySchema }), 'The new key.') },
    }),
    async (c) => c.json({ key: keyBody(await rotateAuditKey(c.var.context()), true) }, 200),
  );
}

const callsQuery = z.enum(callScopes).openapi({ description: 'Of calls: `rows`, each of them; `entries`, the chain above them; `none`.' });
const word = z.string().min(1).max(200);
const instant = z.iso.datetime({ offset: true }).openapi({ example: '2026-01-15T10:30:00Z' });

const filterQuery = z.object({
  start_time: instant.optional(),
  end_time: instant.optional(),
  actor: word.optional().openapi({ description: 'Id of who acted; of a user their own, under whose pseudonym events have them.', example: 'key_abc123' }),
  actor_kind: word.optional().openapi({
    description:
      '`key`; without one `user`, `service_account`, `agent`, `client` (a grant of nobody in the directory), `anonymous`; `operator`, `session`, `invitation`, `provider`, `callers`, `system`.',
  }),
  action: z
    .string()
    .regex(/^[^,]{1,200}(,[^,]{1,200}){0,39}$/, 'names of actions, with commas between them')
    .optional()
    .openapi({ description: 'A name, or its beginning with `*` behind it; up to 40, with commas between them: any of these.', example: 'key.*,role.*' }),
  object: word.optional().openapi({ description: 'Id of what it was done to; of a user their own.' }),
  object_kind: word.optional(),
  result: z.enum(auditResults).optional(),
  text: word.optional().openapi({ description: 'Somewhere in ids, action, address or detail, in any letter case.' }),
  internal: z.enum(['true', 'false']).default('false').openapi({ description: 'With what the gateway did by itself.' }),
});

const callChoice = z.enum(callChoices).openapi({
  description: 'Calls among the events: `denied`, those that were refused; `all`, also those of a tool, a resource or a prompt that were not; `none`.',
});

const listQuery = filterQuery.extend({
  tool_calls: callChoice.default('denied'),
  limit: z.coerce.number().int().min(1).max(bounds.auditListMax).default(50),
  cursor: z.string().min(1).max(300).optional(),
});

const exportQuery = filterQuery.extend({
  format: z.enum(exportFormats).default('proof'),
  calls: callsQuery.default('none'),
  tool_calls: callChoice.default('none'),
});

const exportTypes: Readonly<Record<ExportFormat, string>> = {
  proof: 'application/x-ndjson',
  jsonl: 'application/x-ndjson',
  ocsf: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
  cef: 'text/plain; charset=utf-8',
};

function filterOf(query: z.output<typeof filterQuery>): AuditFilter {
  return {
    fromMs: query.start_time === undefined ? null : Date.parse(query.start_time),
    toMs: query.end_time === undefined ? null : Date.parse(query.end_time),
    actorKind: query.actor_kind ?? null,
    actorId: query.actor ?? null,
    actions: query.action?.split(',') ?? null,
    objectKind: query.object_kind ?? null,
    objectId: query.object ?? null,
    result: query.result ?? null,
    text: query.text ?? null,
    withoutSystem: query.internal === 'false',
  };
}

const eventSchema = z
  .object({
    id: z.string().openapi({ example: 'aud_4f2K9…' }),
    sequence: z
      .number()
      .int()
      .nullable()
      .openapi({ description: 'Place in the chain; null of a call, which has its place in the chain of calls, as the four below.' }),
    time: timeSchema,
    actor: z.object({ kind: z.string(), id: z.string(), name: actorNameSchema }),
    action: z.string().openapi({ example: 'key.created' }),
    object: z.object({ kind: z.string(), id: z.string() }),
    result: z.enum(auditResults),
    ip: z.string().nullable().openapi({ description: 'Null where it was the machine itself.' }),
    request_id: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()).openapi({ description: 'What changed, `before` and `after` among it.' }),
    hash: z.string().nullable(),
    previous_hash: z.string().nullable(),
    key_id: z.string().nullable(),
    signature: z.string().nullable(),
  })
  .openapi('AuditEvent');
const listSchema = z
  .object({
    events: z.array(eventSchema),
    tool_calls: z
      .enum([...callChoices, 'unavailable'])
      .openapi({ description: 'Which calls are among them; `unavailable`: none, the ledger cannot be read now.' }),
    cursor: z.string().nullable(),
    has_more: z.boolean(),
  })
  .openapi('AuditEventList');

/** Names are those of now: they are no part of what is signed. */
function eventBody(event: StoredRecord, names: ReadonlyMap<string, string>): z.infer<typeof eventSchema> {
  const body = recordBody(event);
  return { ...body, actor: { ...body.actor, name: names.get(event.actorId) ?? null } };
}

const findingSchema = z.object({
  kind: z.enum(findingKinds),
  chain: z.string().openapi({ description: '`events`, or a chain of calls.' }),
  from: z.number().int(),
  to: z.number().int().openapi({ description: 'Places in the chain, both included.' }),
  text: z.string(),
});

const verdictSchema = z
  .object({
    verification: z.object({
      ok: z.boolean(),
      checked_at: timeSchema,
      events: z.object({
        records: z.number().int(),
        from: z.number().int(),
        through: z.number().int(),
        removed_through: z.number().int().openapi({ description: 'Up to here events are gone because their retention was over; 0: none.' }),
        signed_through: z.number().int().openapi({ description: 'Up to here a signed checkpoint speaks for the chain.' }),
        signed_at: timeSchema.nullable(),
      }),
      calls: z
        .object({
          chains: z.number().int(),
          entries: z.number().int(),
          rows: z.number().int().nullable().openapi({ description: 'Calls that are as they were written; null where they were not read.' }),
          erased: z.number().int().openapi({ description: 'Calls of batches from which a person was erased, as a signed event says.' }),
          expired: z.number().int().openapi({ description: 'Calls that are gone because their retention was over.' }),
          left_out: z.number().int().openapi({ description: 'Calls that are not here because a restore left them out; the audit has the record of it.' }),
          signed_at: timeSchema.nullable(),
        })
        .nullable(),
      checkpoints: z.number().int(),
      keys: z.array(z.string()),
      findings: z.array(findingSchema),
      findings_left_out: z.number().int(),
    }),
  })
  .openapi('AuditVerification');

function verdictBody(verdict: AuditVerdict): z.infer<typeof verdictSchema>['verification'] {
  const { events } = verdict;
  return {
    ok: verdict.ok,
    checked_at: new Date(verdict.checkedAtMs).toISOString(),
    events: {
      records: events.records,
      from: events.from,
      through: events.through,
      removed_through: verdict.removedThrough,
      signed_through: events.signed?.sequence ?? verdict.removedThrough,
      signed_at: events.signed?.at ?? null,
    },
    calls: verdict.calls && callsBody(verdict.calls),
    checkpoints: verdict.checkpoints,
    keys: [...verdict.keys],
    findings: [...verdict.findings],
    findings_left_out: verdict.findingsLeftOut,
  };
}

function callsBody({ chains, entries, rows, erased, expired, leftOut, signedAt }: NonNullable<AuditVerdict['calls']>) {
  return { chains, entries, rows, erased, expired, left_out: leftOut, signed_at: signedAt };
}

const keySchema = z
  .object({
    id: z.string(),
    node: z.string(),
    public_key: z.string().openapi({ description: 'Ed25519, 32 bytes in base64.' }),
    created_at: timeSchema,
    previous_key_id: z.string().nullable(),
    signature: z.string().nullable().openapi({ description: 'By the previous key.' }),
    current: z.boolean().openapi({ description: 'This node signs with it now.' }),
  })
  .openapi('AuditKey');

function keyBody(key: PublicKeyRecord, isCurrent: boolean): z.infer<typeof keySchema> {
  return {
    id: key.id,
    node: key.node,
    public_key: key.publicKey,
    created_at: new Date(key.createdAtMs).toISOString(),
    previous_key_id: key.previousKeyId,
    signature: key.signature === '' ? null : key.signature,
    current: isCurrent,
  };
}

const streamSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['syslog', 'webhook']),
    target: z.string().openapi({ description: 'Host and port.' }),
    format: z.string(),
    state: z.enum(['starting', 'ok', 'failing', 'standby']).openapi({ description: '`standby`: another node sends.' }),
    reason: z.string().nullable().openapi({ description: 'Why it is failing.' }),
    failing_since: timeSchema.nullable(),
    delivered: z.number().int().openapi({ description: 'Events that the target took since this node started.' }),
    failures: z.number().int().openapi({ description: 'Deliveries that failed since this node started.' }),
    waiting: z.number().int().nullable().openapi({ description: 'Events in the registry that it has not come to; null where that is not known.' }),
    last_delivered_at: timeSchema.nullable(),
  })
  .openapi('AuditStream');

function streamBody({ name, kind, target, format, state, reason, failingSinceMs, delivered, failures, behind, lastDeliveredAtMs }: StreamStatus) {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    name,
    kind,
    target,
    format,
    state,
    reason,
    failing_since: time(failingSinceMs),
    delivered,
    failures,
    waiting: behind,
    last_delivered_at: time(lastDeliveredAtMs),
  };
}
