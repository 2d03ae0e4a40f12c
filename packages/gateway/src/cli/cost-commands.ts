/** The commands of `gateway costs`. */
import type { CommandSpec, OptionSpec } from './command.ts';

const costGroupWords = 'day, week, month, team, user, project, owner, server, tool, agent, key or environment.';
const costFilters: readonly OptionSpec[] = [
  { flags: '--team ID', about: 'Only calls of this team.' },
  { flags: '--user ID', about: 'Only calls of this user.' },
  { flags: '--project ID', about: 'Only calls of this project.' },
  { flags: '--agent NAME', about: 'Only calls of this agent.' },
  { flags: '--key ID', about: 'Only calls by this key.' },
  { flags: '--server NAME', about: 'Only calls to this server.' },
  { flags: '--tool NAME', about: 'Only calls of this tool.' },
  { flags: '--currency CODE', about: 'Amounts in this currency; none are converted.', otherwise: 'that of the price list' },
];

export const costCommands: readonly CommandSpec[] = [
  {
    name: ['costs', 'summary'],
    summary: 'Show what calls have cost',
    client: true,
    prints: true,
    options: [
      { flags: '--from DATE', about: 'First day, YYYY-MM-DD.', otherwise: 'the first of this month' },
      { flags: '--to DATE', about: 'Last day, YYYY-MM-DD.', otherwise: 'today' },
      { flags: '--group-by WORD', about: costGroupWords, otherwise: 'day' },
      { flags: '--compare', about: 'With the days right before.' },
      ...costFilters,
    ],
    examples: ['gateway costs summary --group-by server', 'gateway costs summary --team team_eng --compare'],
    load: async () => (await import('./costs-summary.ts')).costsSummary,
  },
  {
    name: ['costs', 'report'],
    summary: 'Report what a period cost, how it compares, and what it will have cost at its end',
    about: 'With --csv one line a group goes to stdout, amounts to the last decimal, for a spreadsheet or the books.',
    client: true,
    prints: true,
    options: [
      { flags: '--from DATE', about: 'First day, YYYY-MM-DD.', otherwise: 'the first of this month' },
      { flags: '--to DATE', about: 'Last day, YYYY-MM-DD.', otherwise: 'the last of this month' },
      { flags: '--group-by WORD', about: costGroupWords, otherwise: 'team' },
      { flags: '--csv', about: 'CSV instead of text.' },
      ...costFilters,
    ],
    examples: ['gateway costs report', 'gateway costs report --from 2026-10-01 --to 2026-10-31 --group-by owner --csv > october.csv'],
    load: async () => (await import('./costs-report.ts')).costsReport,
  },
  {
    name: ['costs', 'prices'],
    summary: 'Show the price list that holds, and its versions',
    client: true,
    prints: true,
    load: async () => (await import('./costs-prices.ts')).costsPrices,
  },
  {
    name: ['costs', 'set-prices'],
    summary: 'Set the price list from a file',
    about: 'FILE is YAML or JSON of the shape of `pricing` in gateway.yaml, and the whole list. Refused where gateway.yaml has `pricing` itself.',
    client: true,
    prints: true,
    arguments: [{ form: 'FILE', about: 'The list.' }],
    options: [
      { flags: '--effective WHEN', about: 'From when on it holds: a duration ahead (2d), or a date or time.', otherwise: 'now' },
      { flags: '--dry-run', about: 'Say what would change and what the last 30 days would have cost; change nothing.' },
    ],
    examples: ['gateway costs set-prices prices.yaml --dry-run', 'gateway costs set-prices prices.yaml --effective 2027-01-01'],
    load: async () => (await import('./costs-set-prices.ts')).costsSetPrices,
  },
  {
    name: ['costs', 'estimate'],
    summary: 'Say what a call would cost, without making it',
    about: 'Tokens of the arguments are counted; those of the result, and the seconds, are the means of the calls of this tool of the last 30 days.',
    client: true,
    prints: true,
    arguments: [
      { form: 'SERVER', about: 'Name of the server.' },
      { form: 'TOOL', about: 'Name of the tool.' },
    ],
    options: [{ flags: '--arguments JSON', about: 'Arguments of the call.', otherwise: '{}' }],
    examples: ['gateway costs estimate search query --arguments \'{"text":"hello"}\''],
    load: async () => (await import('./costs-estimate.ts')).costsEstimate,
  },
];
