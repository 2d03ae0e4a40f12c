/** The things that several answers show, as `answers.ts` has them. */
import { z } from 'zod';

const time = z.string().nullable().optional();
export const number = z.number().nullable().optional();

export const keyView = z.looseObject({
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  status: z.string().optional(),
  created_at: z.string(),
  expires_at: time,
  last_used: time,
  previous_valid_until: time,
  scopes: z.looseObject({ mcp_servers: z.array(z.string()).nullable(), actions: z.array(z.string()).nullable() }),
  metadata: z.record(z.string(), z.string()),
  usage: z.looseObject({ calls: z.number(), cost: z.number() }).nullable().optional(),
});

export const serverView = z.looseObject({
  name: z.string(),
  transport: z.string(),
  path: z.string(),
  auth: z.string(),
  target: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
});

const bodyView = z.looseObject({ body: z.looseObject({ state: z.string(), reason: z.string().nullable() }).nullable().optional() }).optional();

export const spanView = z.looseObject({
  request: bodyView,
  response: bodyView,
  id: z.string(),
  parent_id: z.string().nullable(),
  operation: z.string(),
  server: z.string().nullable().optional(),
  tool: z.string().nullable().optional(),
  duration_ms: number,
  status: z.string(),
  cost: number,
  error: z.string().nullable().optional(),
  stops: z.record(z.string(), z.number().nullable()).optional(),
  stopped_at: z.string().nullable().optional(),
  policy: z.string().nullable().optional(),
  tries: z.array(z.looseObject({ target: z.string(), duration_ms: number, outcome: z.string() })).optional(),
  transforms: z.array(z.string()).optional(),
  cache: z.string().nullable().optional(),
});

export const effect = z.string();
export const policyView = z.looseObject({
  name: z.string(),
  effect,
  to: z.array(z.string()),
  servers: z.array(z.string()),
  tools: z.array(z.string()).nullable(),
  resources: z.array(z.string()).nullable(),
  prompts: z.array(z.string()).nullable(),
  when: z.string().nullable(),
  until: z.string().nullable(),
  source: z.string(),
  served: z.boolean(),
  version: z.number().nullable(),
});

export const switchView = z.looseObject({
  kind: z.string(),
  name: z.string(),
  reason: z.string(),
  until: z.string().nullable(),
  changed_at: z.string(),
  changed_by: z.string(),
  changed_by_name: z.string().nullish(),
});

export const findingView = z.looseObject({ kind: z.string(), chain: z.string(), from: z.number(), to: z.number(), text: z.string() });

export const targetView = z.looseObject({
  name: z.string(),
  address: z.string(),
  role: z.string().nullable(),
  state: z.string(),
  reason: z.string().nullable(),
  weight: z.number(),
  calls: z.number(),
  failures: z.number(),
  retries: z.number(),
  in_flight: z.number(),
});
export const erasureView = z.looseObject({ person: z.string(), keys: z.array(z.string()), finished_at: z.string().nullable() });
export const costBefore = z.looseObject({ total_cost: z.number(), total_calls: z.number(), change_percent: z.number().nullable() });
const shownPrice = {
  per_call: z.number().optional(),
  per_token_input: z.number().optional(),
  per_token_output: z.number().optional(),
  per_second: z.number().optional(),
};
export const priceList = {
  currency: z.string(),
  default: z.looseObject(shownPrice),
  overrides: z.array(z.looseObject({ server: z.string(), tool: z.string().nullable(), ...shownPrice })),
};
