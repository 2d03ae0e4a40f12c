import { z } from 'zod';
import type { LedgerStore } from './ledger-store.ts';
import { costArms, costDimensions, costSums, sealedIn, viewRollup, type CostDimension } from './rollups.ts';

export interface CostSummaryInput {
  readonly organizationId: string;
  /** `YYYY-MM-DD`, UTC, both included. */
  readonly startDate: string;
  readonly endDate: string;
  readonly groupBy: CostGroup;
  /** Costs in other currencies are not added up with these. */
  readonly currency: string;
  /** Only calls with these values; an empty one: those that have none. */
  readonly filter: CostFilter;
  readonly limit: number;
}

export type CostFilter = Readonly<Partial<Record<CostDimension, string>>>;

/** Each with the columns that it is made of. `owner`: the first that a call has of user, team and project, else the organization. */
const groups = {
  day: { of: [], expression: 'toString(day)' },
  // Weeks begin on Monday (ISO 8601) and are named by it.
  week: { of: [], expression: 'toString(toMonday(day))' },
  month: { of: [], expression: "formatDateTime(day, '%Y-%m')" },
  team: { of: ['team_id'], expression: 'toString(team_id)' },
  user: { of: ['user_id'], expression: 'toString(user_id)' },
  project: { of: ['project_id'], expression: 'toString(project_id)' },
  owner: {
    of: ['user_id', 'team_id', 'project_id'],
    expression:
      "multiIf(user_id != '', concat('user/', user_id), team_id != '', concat('team/', team_id), project_id != '', concat('project/', project_id), 'organization')",
  },
  server: { of: ['server'], expression: 'toString(server)' },
  tool: { of: ['server', 'tool'], expression: "concat(toString(server), '/', tool)" },
  agent: { of: ['agent'], expression: 'toString(agent)' },
  key: { of: ['key_id'], expression: 'toString(key_id)' },
  environment: { of: ['environment'], expression: 'toString(environment)' },
} as const satisfies Readonly<Record<string, { readonly of: readonly CostDimension[]; readonly expression: string }>>;

export type CostGroup = keyof typeof groups;

const periods: ReadonlySet<CostGroup> = new Set(['day', 'week', 'month']);

const figures = {
  calls: z.coerce.number(),
  unpriced_calls: z.coerce.number(),
  errors: z.coerce.number(),
  input_tokens: z.coerce.number(),
  output_tokens: z.coerce.number(),
  /** Exact decimal. */
  cost: z.string(),
};
const row = z.object({
  group_name: z.string(),
  ...figures,
  total_calls: figures.calls,
  total_unpriced_calls: figures.calls,
  total_errors: figures.calls,
  total_input_tokens: figures.calls,
  total_output_tokens: figures.calls,
  total_cost: figures.cost,
});
export type CostRow = z.infer<typeof row>;

/**
 * Tool calls that ran and their costs by group, at most `limit`, each row with the totals of all groups. Periods run forward
 * in time; everything else begins with what cost most. Days that are summed up are read from `costs_by_day`.
 */
export async function listCosts(ledger: Pick<LedgerStore, 'query'>, input: CostSummaryInput): Promise<CostRow[]> {
  const { expression, of } = groups[input.groupBy];
  const { from, parameters } = await costRowsOf(ledger, input, ['priced_by', ...of]);
  const sums: Readonly<Record<keyof typeof figures, string>> = {
    calls: 'sum(sum_calls)',
    unpriced_calls: "sumIf(sum_calls, priced_by = 'none')",
    errors: 'sum(sum_errors)',
    input_tokens: 'sum(sum_input_tokens)',
    output_tokens: 'sum(sum_output_tokens)',
    cost: 'sum(sum_cost)',
  };
  const names = Object.keys(sums) as (keyof typeof sums)[];
  const text = (name: string): string => (name.endsWith('cost') ? `toString(g_${name})` : `g_${name}`);
  const sql = `/* costs/summary */
    SELECT group_name, ${names.flatMap((name) => [`${text(name)} AS ${name}`, `${text(`all_${name}`)} AS total_${name}`]).join(', ')}
    FROM
    (
      SELECT *, ${names.map((name) => `sum(g_${name}) OVER () AS g_all_${name}`).join(', ')}
      FROM (SELECT ${expression} AS group_name, ${names.map((name) => `${sums[name]} AS g_${name}`).join(', ')} FROM (${from}) GROUP BY group_name)
    )
    ORDER BY ${periods.has(input.groupBy) ? 'group_name' : 'g_cost DESC, group_name'}
    LIMIT {limit:UInt32}`;
  return ledger.query(sql, { ...parameters, limit: input.limit }, row);
}

/** Rows with `day`, `keys` and `sum_…`, of the calls that ran in a period: several for one day and keys. */
export async function costRowsOf(
  ledger: Pick<LedgerStore, 'query'>,
  { organizationId, startDate, endDate, currency, filter }: Omit<CostSummaryInput, 'groupBy' | 'limit'>,
  keys: readonly CostDimension[],
): Promise<{ readonly from: string; readonly parameters: Readonly<Record<string, string>> }> {
  const days = await viewRollup(ledger, 'day', Date.parse(startDate), Date.parse(endDate) + 86_400_000);
  const parameters: Record<string, string> = { org: organizationId, start: startDate, end: endDate, f_currency: currency };
  const conditions = ['org_id = {org:String}', "priced_by != ''", 'currency = {f_currency:String}'];
  for (const dimension of costDimensions) {
    const wanted = filter[dimension];
    if (wanted === undefined || dimension === 'currency') continue;
    parameters[`f_${dimension}`] = wanted;
    conditions.push(`${dimension} = {f_${dimension}:String}`);
  }
  const where = conditions.join(' AND ');
  const sealed = `SELECT day, ${[...keys, ...costSums.map((name) => `${name} AS sum_${name}`)].join(', ')}
      FROM costs_by_day
      WHERE ${where} AND day >= {start:Date} AND day <= {end:Date} AND ${sealedIn('day', days, "toStartOfDay(day, 'UTC')")}`;
  // Numbers of our own, not parameters: those travel in the address, which has not room for many.
  const fromSources = days.fromSources.map((seconds) => `toDate(${seconds / 86_400})`).join(', ');
  const live = fromSources === '' ? [] : costArms(keys, `${where} AND toDate(started_at) IN (${fromSources})`);
  const columns = ['day', ...keys, ...costSums.map((name) => `sum_${name}`)].join(', ');
  return { from: [sealed, ...live.map((arm) => `SELECT ${columns} FROM (${arm})`)].join(' UNION ALL '), parameters };
}
