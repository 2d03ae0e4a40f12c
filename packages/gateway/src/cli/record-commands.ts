/** The commands that ask what was recorded: traces, calls, bodies, costs, the audit. */
import { costCommands } from './cost-commands.ts';
import type { CommandSpec, OptionSpec } from './command.ts';
import { callFilters, callOptions, timeOptions } from './log-question.ts';

/** Which events of the audit are meant. */
const auditFilters: readonly OptionSpec[] = [
  ...timeOptions('the beginning'),
  { flags: '--actor ID', about: 'Only what this one did, such as key_….' },
  { flags: '--actor-kind KIND', about: 'Only what such did: key, user, service_account, agent, client, anonymous, operator, …' },
  { flags: '--action NAME', about: 'Only this action, or with * behind it all that begin so: key.*.' },
  { flags: '--object ID', about: 'Only what was done to this.' },
  { flags: '--result WORD', about: 'success, denied or failed.' },
  { flags: '--text TEXT', about: 'Only events with this text in ids, action, address or detail.' },
  { flags: '--internal', about: 'With what the gateway did by itself.' },
];

const tailOptions: readonly OptionSpec[] = [
  { flags: '--since WHEN', about: 'Show what was, too, from then on (at most the last 20,000 calls): a duration ago (15m), or a date or time.' },
  { flags: '--no-follow', about: 'Show what was and end.' },
  { flags: '--rate NUMBER', about: 'Calls shown in a second at most, 1 to 1000; of more an even choice is shown.', otherwise: '50' },
];
export const recordCommands: readonly CommandSpec[] = [
  {
    name: ['traces', 'list'],
    summary: 'List traces, newest first',
    client: true,
    prints: true,
    options: [
      ...timeOptions('24h'),
      { flags: '--query TEXT', about: 'Only with a call that fits, such as "server:github -status:ok dur:>2s"; docs/guides/search.md has the language.' },
      { flags: '--trace ID', about: 'Only this trace: tr_…, or the X-Trace-ID that its caller chose.' },
      { flags: '--status WORD', about: 'That of the worst call: success (or ok), error, timeout, blocked, waiting, cancelled or unknown.' },
      ...callFilters('with a call'),
      { flags: '--min-cost NUMBER', about: 'Only those that cost at least so much, such as 0.5.' },
      { flags: '--max-cost NUMBER', about: 'Only those that cost at most so much.' },
      { flags: '--limit NUMBER', about: 'Traces on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    examples: ['gateway traces list --since 1h --status error', "gateway traces list --query 'tool:create_* cost:>0.5'"],
    load: async () => (await import('./traces-list.ts')).tracesList,
  },
  {
    name: ['logs', 'tail'],
    summary: 'Follow the request log: a line a call, as calls end',
    about:
      'Shows the calls of the node that answers. With -o json or ndjson each call is one JSON document a line. What is not shown, because there are more than --rate in a second or because the reader is too slow, is said on stderr. A connection that breaks is taken up where it was; what the stream has forgotten by then comes from the request log.',
    client: true,
    prints: true,
    arguments: [{ form: '[QUERY...]', about: 'Which calls, in the query language (docs/guides/search.md). Default: all.' }],
    options: tailOptions,
    examples: ["gateway logs tail 'server:github -status:ok' --since 15m", 'gateway logs tail --since 1h --no-follow -o ndjson'],
    load: async () => (await import('./logs-tail.ts')).logsTail,
  },
  {
    name: ['traces', 'tail'],
    summary: 'Follow traces: the same calls as `gateway logs tail`, under their traces',
    client: true,
    prints: true,
    arguments: [{ form: '[QUERY...]', about: 'Which calls, in the query language (docs/guides/search.md). Default: all.' }],
    options: tailOptions,
    examples: ['gateway traces tail agent:ci-bot'],
    load: async () => (await import('./logs-tail.ts')).tracesTail,
  },
  {
    name: ['traces', 'get'],
    summary: 'Show one trace: its spans, and the time at each stop of the rail',
    client: true,
    prints: true,
    arguments: [{ form: 'ID', about: 'Id of the trace: tr_…, or the X-Trace-ID that its caller chose.' }],
    options: [
      { flags: '--limit NUMBER', about: 'Spans that are shown, 1 to 10000.', otherwise: '1000' },
      { flags: '--bodies', about: 'Show the requests and responses that are kept, masked.' },
    ],
    load: async () => (await import('./traces-get.ts')).tracesGet,
  },
  {
    name: ['masking', 'test'],
    summary: 'Show what would be masked in a text before it is stored',
    about:
      'Reads the file, or standard input where none is named. By the rules that serve; what the options name comes beside what is always masked, in their place.',
    client: true,
    prints: true,
    arguments: [{ form: '[FILE]', about: 'The text: a request, a response, headers, anything.' }],
    options: [
      { flags: '--form WORD', about: 'json, events, headers or text.', otherwise: 'what it looks like' },
      { flags: '--email', about: 'Mask e-mail addresses.' },
      { flags: '--phone', about: 'Mask telephone numbers.' },
      { flags: '--field NAME', about: 'Mask the value of members of this name.', repeated: true },
      { flags: '--path PATH', about: 'Mask the value at this place, such as arguments.customer.name.', repeated: true },
      { flags: '--pattern NAME=PATTERN', about: 'Mask what fits (RE2).', repeated: true },
    ],
    examples: [
      'gateway masking test request.json',
      "echo 'my card is 4111 1111 1111 1111' | gateway masking test",
      'gateway masking test --email --field patient request.json',
    ],
    load: async () => (await import('./masking-test.ts')).maskingTest,
  },
  {
    name: ['logs', 'list'],
    summary: 'List calls, newest first',
    client: true,
    prints: true,
    options: [
      ...callOptions,
      { flags: '--limit NUMBER', about: 'Calls on the page, 1 to 1000.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    examples: ["gateway logs list --since 1h --query '-status:ok'"],
    load: async () => (await import('./logs-list.ts')).logsList,
  },
  {
    name: ['logs', 'export'],
    summary: 'Write all calls that fit to a file',
    about:
      'The gateway writes the file first, then it is fetched. Without a file it goes to stdout. Texts that a spreadsheet would calculate get an apostrophe.',
    client: true,
    arguments: [{ form: '[FILE]', about: 'File to write; it must not exist.' }],
    options: [
      { flags: '--format WORD', about: 'csv or jsonl (one JSON object a line).', otherwise: 'csv' },
      { flags: '--columns NAMES', about: 'Members of the request log with commas between them, such as time,server,tool,cost.', otherwise: 'all' },
      ...callOptions,
    ],
    examples: ["gateway logs export calls.csv --since 7d --query 'server:github' --columns time,tool,status,cost"],
    load: async () => (await import('./logs-export.ts')).logsExport,
  },
  ...costCommands,
  {
    name: ['audit', 'list'],
    summary: 'List events of the audit, newest first',
    about: 'What the gateway did by itself is left out unless --internal is given. -o json and ndjson have the whole event with what changed.',
    client: true,
    prints: true,
    options: [
      ...auditFilters,
      { flags: '--tool-calls WORD', about: 'Calls among the events: denied, all or none.', otherwise: 'denied' },
      { flags: '--limit NUMBER', about: 'Events on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    examples: ["gateway audit list --since 7d --action 'key.*'"],
    load: async () => (await import('./audit-list.ts')).auditList,
  },
  {
    name: ['audit', 'export'],
    summary: 'Write the audit to a file',
    about:
      'proof: all of it with its signatures, for `gateway audit verify FILE`; the other formats take the filters of `gateway audit list`. Without a file it goes to stdout.',
    client: true,
    arguments: [{ form: '[FILE]', about: 'File to write; it must not exist.' }],
    options: [
      { flags: '--format WORD', about: 'proof, csv, jsonl, cef or ocsf.', otherwise: 'proof' },
      ...auditFilters,
      { flags: '--calls WORD', about: 'What of the ledger a proof holds: rows, entries or none.', otherwise: 'none' },
      { flags: '--tool-calls WORD', about: 'Of the other formats: calls among the events, denied, all or none.', otherwise: 'none' },
    ],
    examples: ['gateway audit export audit.proof', "gateway audit export --format csv --since 30d --action 'key.*' keys.csv"],
    load: async () => (await import('./audit-export.ts')).auditExport,
  },
  {
    name: ['audit', 'verify'],
    summary: 'Check that no record of the audit was edited, removed, reordered or inserted',
    about:
      'Without FILE the running gateway checks its stores. With FILE, an export made with `gateway audit export --format proof`, it is checked here, with no gateway and no more than the public keys.',
    client: true,
    prints: true,
    arguments: [{ form: '[FILE]', about: 'A proof to check instead of the stores; - is stdin.' }],
    options: [
      {
        flags: '--key KEY',
        about: 'Of a proof: a public key in base64, or a file that `gateway audit keys -o json` wrote.',
        repeated: true,
      },
      { flags: '--calls WORD', about: 'Of the ledger: rows, every call is read again; entries, the chain above them; none.', otherwise: 'rows' },
    ],
    examples: ['gateway audit verify', 'gateway audit verify audit.proof --key keys.json'],
    load: async () => (await import('./audit-verify.ts')).auditVerify,
  },
  {
    name: ['audit', 'streams'],
    summary: 'Show the streams of the audit to other programs, and how far they are',
    about: 'docs/guides/siem.md says how they are configured.',
    client: true,
    prints: true,
    load: async () => (await import('./audit-streams.ts')).auditStreams,
  },
  {
    name: ['audit', 'keys'],
    summary: 'Show the public keys that sign the audit',
    about: 'Keep them elsewhere: with them an export can be checked on any machine.',
    client: true,
    prints: true,
    options: [{ flags: '--rotate', about: 'First give the node a new key; the one before vouches for it.' }],
    examples: ['gateway audit keys -o json > keys.json'],
    load: async () => (await import('./audit-keys.ts')).auditKeys,
  },
  {
    name: ['privacy', 'export'],
    summary: 'Write everything that is held about a person',
    about: 'One JSON object a line: keys, events of the audit, calls, and their bodies as they are stored, masked. Without a file it goes to stdout.',
    client: true,
    arguments: [
      { form: 'USER', about: 'The user that keys name with --user.' },
      { form: '[FILE]', about: 'File to write; it must not exist.' },
    ],
    examples: ['gateway privacy export usr_ana ana.jsonl'],
    load: async () => (await import('./privacy-export.ts')).privacyExport,
  },
  {
    name: ['privacy', 'erase'],
    summary: 'Erase a person, for good',
    about:
      'Their keys end, their bodies are deleted, and calls, costs and the audit keep a pseudonym that nobody can resolve. Waits until the ledger is through; it goes on by itself when the command is ended. docs/guides/privacy.md says what remains.',
    client: true,
    prints: true,
    arguments: [{ form: 'USER', about: 'The user that keys name with --user.' }],
    options: [{ flags: '--yes', about: 'Needed: it cannot be undone.' }],
    examples: ['gateway privacy erase usr_ana --yes'],
    load: async () => (await import('./privacy-erase.ts')).privacyErase,
  },
];
