import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';
import { inWindow, windowParameters } from './selection.ts';

export interface SeenAgentsInput {
  readonly organizationId: string;
  /** Microseconds since the epoch, from `startUs` and before `endUs`. */
  readonly startUs: bigint;
  readonly endUs: bigint;
  /** Of the newest calls at most so many. */
  readonly callsMax: number;
  readonly groupsMax: number;
  /** Keys, servers and programs of each that are named. */
  readonly namesMax: number;
}

const row = z.object({
  agent: z.string(),
  /** Where no agent is named, the program that called, as it says of itself; else all of the agent's. */
  clients: z.array(z.string()),
  keys: z.array(z.string()),
  servers: z.array(z.string()),
  calls: z.coerce.number(),
  first_ms: z.coerce.number(),
  last_ms: z.coerce.number(),
});
export type SeenAgent = z.infer<typeof row>;

/** Who called, by the agent that its calls name, else by the program that it is; most calls first. */
export async function listSeenAgents(ledger: Pick<LedgerStore, 'query'>, input: SeenAgentsInput): Promise<SeenAgent[]> {
  const sql = `/* agents/seen */
    SELECT agent, groupUniqArray({names:UInt32})(client) AS clients, groupUniqArray({names:UInt32})(key) AS keys,
      arrayFilter(one -> one != '', groupUniqArray({names:UInt32})(server)) AS servers, count() AS calls,
      toUnixTimestamp64Milli(min(started_at)) AS first_ms, toUnixTimestamp64Milli(max(started_at)) AS last_ms
    FROM
    (
      SELECT toString(agent) AS agent, toString(client_name) AS client, toString(key_id) AS key, toString(server) AS server, started_at
      FROM calls
      WHERE ${inWindow} AND key_id != '' AND (agent != '' OR client_name != '')
      ORDER BY started_at DESC
      LIMIT {calls:UInt32}
    )
    GROUP BY agent, if(agent = '', client, '')
    ORDER BY calls DESC, last_ms DESC, agent, clients
    LIMIT {groups:UInt32}`;
  return ledger.query(sql, { ...windowParameters(input), calls: input.callsMax, groups: input.groupsMax, names: input.namesMax }, row);
}
