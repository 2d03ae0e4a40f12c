import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';
import { inWindow, windowParameters } from './selection.ts';

export interface CallGroupsInput {
  readonly organizationId: string;
  /** Microseconds since the epoch, from `startUs` and before `endUs`. */
  readonly startUs: bigint;
  readonly endUs: bigint;
  /** Of the newest calls at most so many. */
  readonly callsMax: number;
  readonly groupsMax: number;
}

const row = z.object({
  key_id: z.string(),
  /** Of a call by token `jwt:ISSUER` or `oauth:GRANT`, by certificate `mtls:AUTHORITY`; empty: by a key, or by nobody. */
  token: z.string(),
  user_id: z.string(),
  agent: z.string(),
  environment: z.string(),
  server: z.string(),
  method: z.enum(['tools/call', 'resources/read', 'prompts/get']),
  /** Of the tool or prompt, or the URI of the resource without its query. */
  name: z.string(),
  calls: z.coerce.number(),
  /** The newest of them. */
  last_us: z.coerce.bigint(),
  trace_hex: z.string(),
  /** Of all groups, also those beyond `groupsMax`. */
  calls_of_all: z.coerce.number(),
  oldest_us: z.coerce.bigint(),
});
export type CallGroup = z.infer<typeof row>;

/** Calls of tools, resources and prompts by who made them and what they named, most calls first. */
export async function listCallGroups(ledger: Pick<LedgerStore, 'query'>, input: CallGroupsInput): Promise<CallGroup[]> {
  const sql = `/* access/call-groups */
    SELECT toString(key_id) AS key_id, toString(token) AS token, toString(user_id) AS user_id, toString(agent) AS agent, toString(environment) AS environment, toString(server) AS server,
      toString(method) AS method, tool AS name, count() AS calls, toUnixTimestamp64Micro(max(started_at)) AS last_us,
      toString(argMax(trace_id, started_at)) AS trace_hex, sum(count()) OVER () AS calls_of_all, min(toUnixTimestamp64Micro(min(started_at))) OVER () AS oldest_us
    FROM
    (
      SELECT key_id, if(startsWith(key_prefix, 'jwt:') OR startsWith(key_prefix, 'oauth:') OR startsWith(key_prefix, 'mtls:'), key_prefix, '') AS token, user_id, agent, environment, server, method, tool,
        trace_id, started_at
      FROM calls
      WHERE ${inWindow} AND method IN ('tools/call', 'resources/read', 'prompts/get') AND server != '' AND tool != ''
      ORDER BY started_at DESC
      LIMIT {calls:UInt32}
    )
    GROUP BY key_id, token, user_id, agent, environment, server, method, tool
    ORDER BY calls DESC, last_us DESC, key_id, server, name
    LIMIT {groups:UInt32}`;
  return ledger.query(sql, { ...windowParameters(input), calls: input.callsMax, groups: input.groupsMax }, row);
}
