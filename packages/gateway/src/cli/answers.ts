/** The parts of the gateway's answers that commands show. -o json prints the answer whole, known or not. */
import { z } from 'zod';
import { Fault } from '../kernel/fault.ts';
import {
  costBefore,
  effect,
  erasureView,
  findingView,
  keyView,
  number,
  policyView,
  priceList,
  serverView,
  spanView,
  switchView,
  targetView,
} from './answer-views.ts';

export const answers = {
  policies: z.looseObject({ policies: z.array(policyView) }),
  policy: z.looseObject({ policy: policyView }),
  policyPut: z.looseObject({ outcome: z.enum(['created', 'changed', 'unchanged', 'planned']), policy: policyView }),
  switched: z.looseObject({ switch: switchView }),
  switches: z.looseObject({ switches: z.array(switchView) }),
  explanation: z.looseObject({
    explanation: z.looseObject({
      decision: z.string(),
      hidden: z.boolean(),
      stop: z.string().nullable(),
      reason: z.string(),
      stops: z.array(z.looseObject({ stop: z.string(), outcome: z.string(), reason: z.string() })),
      rules: z.array(z.looseObject({ name: z.string(), effect, bearing: z.string(), decided: z.boolean() })),
      tool: z.looseObject({ risk: z.string(), annotations: z.record(z.string(), z.boolean()), said: z.array(z.string()) }).nullish(),
      engine: z.looseObject({ name: z.string(), decision: z.string(), reason: z.string().nullable(), decision_id: z.string().nullable() }).nullish(),
      changes: z.array(z.string()),
    }),
  }),
  auditEvents: z.looseObject({
    events: z.array(
      z.looseObject({
        id: z.string(),
        time: z.string(),
        actor: z.looseObject({ kind: z.string(), id: z.string(), name: z.string().nullish() }),
        action: z.string(),
        object: z.looseObject({ kind: z.string(), id: z.string() }),
        result: z.string(),
        ip: z.string().nullable(),
      }),
    ),
    tool_calls: z.string().optional(),
    cursor: z.string().nullable().optional(),
  }),
  auditVerification: z.looseObject({
    verification: z.looseObject({
      ok: z.boolean(),
      events: z.looseObject({
        records: z.number(),
        from: z.number(),
        through: z.number(),
        removed_through: z.number(),
        signed_through: z.number(),
        signed_at: z.string().nullable(),
      }),
      calls: z
        .looseObject({
          chains: z.number(),
          entries: z.number(),
          rows: z.number().nullable(),
          erased: z.number().optional(),
          expired: z.number(),
          left_out: z.number(),
          signed_at: z.string().nullable(),
        })
        .nullable(),
      findings: z.array(findingView),
      findings_left_out: z.number(),
    }),
  }),
  auditKeys: z.looseObject({
    keys: z.array(z.looseObject({ id: z.string(), node: z.string(), public_key: z.string(), created_at: z.string(), current: z.boolean() })),
  }),
  backups: z.looseObject({
    backups: z.array(
      z.looseObject({
        id: z.string(),
        state: z.string(),
        started_at: z.string(),
        node: z.string(),
        file: z.string(),
        bytes: z.number().nullable(),
        ledger: z.string(),
        reason: z.string().nullable(),
      }),
    ),
    schedule: z
      .looseObject({ folder: z.string(), every: z.string(), keep: z.string(), reason: z.string().nullable(), next_at: z.string().nullable() })
      .nullable(),
    cursor: z.string().nullable(),
  }),
  auditStreams: z.looseObject({
    streams: z.array(
      z.looseObject({
        name: z.string(),
        kind: z.string(),
        target: z.string(),
        format: z.string(),
        state: z.string(),
        reason: z.string().nullable(),
        delivered: z.number(),
        waiting: z.number().nullable(),
        last_delivered_at: z.string().nullable(),
      }),
    ),
  }),
  erasure: z.looseObject({ erasure: erasureView }),
  erasures: z.looseObject({ erasures: z.array(erasureView) }),
  key: z.looseObject({ key: keyView }),
  keyWithSecret: z.looseObject({ key: keyView.extend({ secret: z.string() }), warning: z.string() }),
  keys: z.looseObject({ keys: z.array(keyView), cursor: z.string().nullable().optional() }),
  servers: z.looseObject({ servers: z.array(serverView) }),
  server: z.looseObject({
    server: serverView.extend({
      targets: z.array(targetView),
      canary: z
        .looseObject({
          target: z.string(),
          share: z.number(),
          header: z.looseObject({ name: z.string(), value: z.string() }).nullable(),
          principals: z.array(z.string()),
        })
        .nullable(),
      order: z.looseObject({ changed_at: z.string(), changed_by: z.string(), changed_by_name: z.string().nullish() }).nullable(),
    }),
  }),
  target: z.looseObject({ target: targetView }),
  serverTest: z.looseObject({
    test: z.looseObject({
      ok: z.boolean(),
      failed_at: z.string().nullable(),
      reason: z.string().nullable(),
      fix: z.string().nullable(),
      protocol_version: z.string().nullable(),
      server_name: z.string().nullable(),
      server_version: z.string().nullable(),
      tools: z.array(z.looseObject({ name: z.string(), description: z.string() })).nullable(),
      tools_cut: z.boolean(),
      resources: z.array(z.looseObject({ uri: z.string() })).nullable(),
      prompts: z.array(z.looseObject({ name: z.string() })).nullable(),
      handshake_ms: z.number().nullable(),
      tools_ms: z.number().nullable(),
    }),
  }),
  traces: z.looseObject({
    traces: z.array(
      z.looseObject({
        id: z.string(),
        start_time: z.string(),
        duration_ms: number,
        status: z.string(),
        span_count: z.number(),
        total_cost: number,
        currency: z.string().optional(),
        server: z.string().nullable().optional(),
        tool: z.string().nullable().optional(),
        operation: z.string().nullable().optional(),
      }),
    ),
    cursor: z.string().nullable().optional(),
    estimated_total: number,
  }),
  trace: z.looseObject({
    trace: z.looseObject({
      id: z.string(),
      start_time: z.string(),
      duration_ms: number,
      status: z.string(),
      total_cost: number,
      currency: z.string().optional(),
      truncated: z.boolean().optional(),
      context: z.looseObject({}).optional(),
      spans: z.array(spanView),
    }),
  }),
  tokenCheck: z.looseObject({
    check: z.looseObject({
      outcome: z.enum(['taken', 'refused', 'unavailable']),
      failed: z.looseObject({ step: z.string(), reason: z.string(), fix: z.string() }).nullable(),
      issuer: z.string().nullable(),
      caller: z
        .looseObject({ kind: z.string(), id: z.string().nullable(), email: z.string().nullable(), email_verified: z.boolean(), groups: z.array(z.string()) })
        .nullable(),
      steps: z.array(z.looseObject({ step: z.string(), outcome: z.enum(['pass', 'fail', 'not_reached']) })),
    }),
  }),
  maskingTest: z.looseObject({
    test: z.looseObject({
      text: z.string().nullable(),
      not_kept: z.string().nullable(),
      masked: z.array(z.looseObject({ rule: z.string(), path: z.string(), count: z.number() })),
    }),
  }),
  requests: z.looseObject({
    requests: z.array(
      z.looseObject({
        time: z.string(),
        trace_id: z.string(),
        span_id: z.string(),
        status: z.string(),
        stop: z.string(),
        fault: z.string().nullable(),
        policy: z.string().nullable().optional(),
        server: z.string(),
        tool: z.string().nullable(),
        operation: z.string(),
        user_id: z.string().nullable(),
        agent_name: z.string().nullable(),
        key_prefix: z.string().nullable(),
        latency_ms: z.number(),
        cost: z.number(),
        currency: z.string(),
        input_tokens: z.number().nullable().optional(),
        output_tokens: z.number().nullable().optional(),
      }),
    ),
    cursor: z.string().nullable(),
    estimated_total: number,
  }),
  logExport: z.looseObject({
    export: z.looseObject({ id: z.string(), state: z.string(), reason: z.string().nullable(), rows: z.number(), truncated: z.boolean() }),
  }),
  metricSeries: z.looseObject({
    period: z.looseObject({ start_time: z.string(), end_time: z.string() }),
    step_ms: z.number(),
    groups: z.array(
      z.looseObject({
        server: z.string().nullable(),
        tool: z.string().nullable(),
        calls: z.number(),
        rate: z.number(),
        error_percent: z.number().nullable(),
        latency_ms: z.looseObject({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable(),
        series: z.looseObject({ rate: z.array(z.number()) }),
      }),
    ),
  }),
  costs: z.looseObject({
    summary: z.looseObject({
      total_cost: z.number(),
      total_calls: z.number(),
      unpriced_calls: z.number().optional(),
      currency: z.string().optional(),
      period: z.looseObject({ start: z.string(), end: z.string() }),
      previous: costBefore.nullable().optional(),
    }),
    breakdown: z.array(
      z.looseObject({
        group: z.string().nullable(),
        cost: z.number(),
        calls: z.number(),
        share_percent: z.number().nullable().optional(),
        change_percent: z.number().nullable().optional(),
      }),
    ),
    truncated: z.boolean().optional(),
  }),
  costTrend: z.looseObject({
    trend: z.looseObject({
      currency: z.string(),
      total_cost: z.number(),
      total_calls: z.number(),
      previous: costBefore,
      projection: z.looseObject({ cost: z.number(), low: z.number(), high: z.number(), method: z.string() }).nullable(),
    }),
  }),
  prices: z.looseObject({
    prices: z.looseObject({ ...priceList, version: z.number(), managed_by: z.string(), file: z.string().nullable() }),
    versions: z.array(
      z.looseObject({
        version: z.number(),
        source: z.string(),
        effective_from: z.string(),
        created_at: z.string(),
        created_by: z.string(),
        created_by_name: z.string().nullish(),
        ...priceList,
      }),
    ),
  }),
  pricesChanged: z.looseObject({
    outcome: z.string(),
    version: z.looseObject({ version: z.number(), effective_from: z.string(), currency: z.string() }),
    changes: z.array(
      z.looseObject({ server: z.string().nullable(), tool: z.string().nullable(), price: z.string(), from: z.number().nullable(), to: z.number().nullable() }),
    ),
    effect: z.looseObject({ days: z.number(), calls: z.number(), cost_before: z.number(), cost_after: z.number() }).nullable(),
  }),
  estimate: z.looseObject({
    estimate: z.looseObject({
      cost: z.number(),
      currency: z.string(),
      priced_by: z.string(),
      lines: z.array(z.looseObject({ price: z.string(), unit_price: z.number(), quantity: z.number(), cost: z.number(), from: z.string() })),
      recorded: z.looseObject({ days: z.number(), calls: z.number() }),
    }),
  }),
  reload: z.looseObject({
    outcome: z.string(),
    changes: z
      .looseObject({
        servers: z.looseObject({
          added: z.array(z.string()),
          removed: z.array(z.string()),
          changed: z.array(z.looseObject({ name: z.string(), settings: z.array(z.string()) })),
        }),
        settings: z.array(z.string()),
        secrets: z.array(z.string()),
      })
      .nullable(),
    refusal: z
      .looseObject({
        message: z.string(),
        fix: z.string(),
        faults: z.array(
          z.looseObject({
            line: z.number().nullable(),
            column: z.number().nullable(),
            path: z.string(),
            message: z.string(),
            cause: z.string(),
            fix: z.string(),
          }),
        ),
      })
      .nullable(),
    config: z.looseObject({ file: z.string().nullable(), version: z.number() }),
  }),
  adminLink: z.looseObject({ url: z.string(), expires_at: z.string() }),
  health: z.looseObject({
    status: z.string(),
    dependencies: z
      .record(z.string(), z.looseObject({ state: z.string(), reason: z.string().nullable(), note: z.string().optional(), required: z.boolean().optional() }))
      .optional(),
    servers: z.record(z.string(), z.looseObject({ state: z.string(), reason: z.string().nullable() })).optional(),
  }),
};

/** The answer in its shape. Faults: `gateway_unreachable` where it has another one: then what answers is no gateway of this version. */
export function readAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown, where: string): z.output<Schema> {
  const parsed = schema.safeParse(answer);
  // The answer itself, not the parser's copy: its members keep their order, and those unknown here are shown too.
  if (parsed.success) return answer as z.output<Schema>;
  const place = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new Fault(
    'gateway_unreachable',
    { where },
    { cause: new Error(`what answered has another shape than this version knows (${place}); use the command of the gateway's version`) },
  );
}
