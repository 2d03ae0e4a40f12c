/** Every command: what help, docs/reference/cli.md and the parser know of it. */
import type { CommandSpec, OptionSpec } from './command.ts';
import { accessCommands } from './access-commands.ts';
import { careCommands } from './care-commands.ts';
import { grantCommands } from './grant-commands.ts';
import { objectCommands, objectGroups } from './object-commands.ts';
import { scimCommands } from './scim-commands.ts';
import { sessionCommands } from './session-commands.ts';
import { priceCommands } from './price-commands.ts';
import { directoryCommands, directoryGroups } from './directory-commands.ts';
import { viewCommands } from './view-commands.ts';
import { organizationCommands } from './organization-commands.ts';
import { recordCommands } from './record-commands.ts';

const config: OptionSpec = { flags: '--config FILE', about: 'The configuration.', otherwise: 'gateway.yaml' };
const state: OptionSpec = { flags: '--state DIR', about: "Folder of the gateway's state.", otherwise: '.gatewayops' };
const dryRun: OptionSpec = { flags: '--dry-run', about: 'Show what would be, change nothing.' };
const id = { form: 'ID', about: 'Id of the key (key_…).' };

export const commands: readonly CommandSpec[] = [
  {
    name: ['init'],
    summary: 'Write a gateway.yaml with sample servers',
    about: 'Writes gateway.yaml and the folder files/ that its sample server serves. Nothing that exists is overwritten.',
    arguments: [{ form: '[DIR]', about: 'Folder to write into. Default: this one.' }],
    prints: true,
    examples: ['gateway init', 'gateway init my-gateway'],
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: ['validate'],
    summary: 'Check a configuration and show every fault with its place, cause and fix',
    about:
      'Reads the file and the environment as `gateway start` would; starts nothing. A secret that is not there is a warning: it may be present where the gateway runs.',
    arguments: [{ form: '[FILE]', about: 'The configuration. Default: gateway.yaml.' }],
    options: [config],
    prints: true,
    examples: ['gateway validate', 'gateway validate deploy/gateway.yaml -o json'],
    load: async () => (await import('./validate.ts')).validate,
  },
  {
    name: ['plan'],
    summary: 'Show what a configuration makes, or what would change in a running gateway',
    about:
      'Without --file: the routes, authentication and backends that a configuration makes; no gateway is asked. With --file: what would change for the registry of a running gateway to be what the document says, and what of the calls of the last week each change is about. Of sections that the document lacks all stays.',
    arguments: [{ form: '[FILE]', about: 'The configuration. Default: gateway.yaml.' }],
    options: [
      config,
      { flags: '-f, --file FILE', about: 'A gateway.yaml, or a part of one, to be held against a running gateway; - reads it from the standard input.' },
      { flags: '--out PLAN', about: 'With --file: save the plan for `gateway apply`.' },
      { flags: '--detailed-exitcode', about: 'With --file: end with 2 where something would change.' },
    ],
    client: true,
    prints: true,
    examples: ['gateway plan', 'gateway plan -o json', 'gateway plan --file gateway.yaml --out plan.json'],
    load: async () => (await import('./plan.ts')).plan,
  },
  {
    name: ['apply'],
    summary: 'Make the registry of a running gateway what a document says',
    about:
      'Shows the plan and asks, unless --yes is given; all of it is done or nothing. Refused where anything has moved since the plan, and where the file of the gateway says otherwise.',
    arguments: [{ form: '[PLAN]', about: 'A plan that `gateway plan --out` saved: it is applied as it is.' }],
    options: [
      { flags: '-f, --file FILE', about: 'A gateway.yaml, or a part of one; - reads it from the standard input.' },
      { flags: '--yes', about: 'Do not ask.' },
    ],
    client: true,
    prints: true,
    examples: ['gateway apply --file gateway.yaml', 'gateway apply plan.json'],
    load: async () => (await import('./plan-against.ts')).apply,
  },
  {
    name: ['start'],
    summary: 'Run the gateway until it is told to stop',
    about:
      'With -o json the first line on stdout, printed when it is ready, is {"ready":true,"url":…,"mcp":…,"admin_link":…,"api_key":…}. The first interrupt lets calls in flight end, a second one ends at once.',
    options: [config, state, { flags: '--listen HOST:PORT', about: 'Address to listen on instead of listen.http; port 0 picks one.' }],
    prints: true,
    examples: ['gateway start', 'gateway start --config gateway.yaml --state /var/lib/gatewayops --listen 127.0.0.1:0 -o json'],
    load: async () => (await import('./start.ts')).start,
  },
  {
    name: ['reload'],
    summary: 'Let a changed configuration serve in the running gateway',
    about:
      'The gateway reads its configuration file and every secret anew and says what changed. A file serves whole or not at all: one that cannot is refused, with its faults, and the configuration before it goes on. It does the same by itself when the file changes.',
    client: true,
    prints: true,
    options: [{ flags: '--dry-run', about: 'Say what would change, change nothing.' }],
    examples: ['gateway reload', 'gateway reload --dry-run -o json'],
    load: async () => (await import('./reload.ts')).reload,
  },
  {
    name: ['bridge'],
    summary: 'Serve one stdio MCP server over HTTP, as a sidecar',
    about:
      'Runs the program and speaks MCP for it at /mcp, with /healthz, /readyz and /status beside it. The contract is docs/reference/bridge.md. The bridge asks no one who they are.',
    arguments: [{ form: '[COMMAND...]', about: 'The program and its arguments, behind "--".' }],
    options: [
      { flags: '--listen ADDRESS', about: 'unix:/path or HOST:PORT.', otherwise: '127.0.0.1:8090' },
      { flags: '--name NAME', about: 'Name of the server in the log and in errors.', otherwise: 'the name of the program' },
      { flags: '--processes MODE', about: 'session: one process for each MCP session; shared: one for all.', otherwise: 'session' },
      { flags: '--cwd DIR', about: 'Folder that the program runs in.', otherwise: 'this folder' },
      { flags: '--env NAME=VALUE', about: "Variable of the program's environment. Not for secrets: command lines can be seen.", repeated: true },
      { flags: '--pass-env NAME', about: 'Variable that is passed on from this environment.', repeated: true },
      { flags: '--host NAME', about: 'Further Host name that requests may carry.', repeated: true },
      { flags: '--without-auth', about: 'Needed to listen on another address than loopback: everyone who reaches it may call.' },
    ],
    examples: ['gateway bridge --listen 127.0.0.1:8090 -- npx -y @modelcontextprotocol/server-everything'],
    load: async () => (await import('./bridge.ts')).bridge,
  },
  {
    name: ['connect'],
    summary: 'Be a stdio MCP server that reaches a gateway, for clients that know only programs',
    about:
      'Messages go to {url}/mcp/{SERVER}, or to {url}/mcp, which is all servers. Its output is MCP only; what else there is to say goes to stderr. docs/guides/transports.md has configurations for clients.',
    arguments: [{ form: '[SERVER]', about: 'Name of the server, or v/NAME for a virtual server. Default: all servers.' }],
    options: [
      { flags: '--url URL', about: 'Address of the gateway, or the whole address of an endpoint.', otherwise: 'GATEWAYOPS_URL, or http://127.0.0.1:8080' },
      {
        flags: '--key PLACE',
        about: 'Where the API key is: env:NAME or file:PATH. Never the key itself: command lines can be seen.',
        otherwise: 'env:GATEWAYOPS_API_KEY, if set',
      },
    ],
    examples: ['gateway connect search', 'gateway connect --url https://gateway.example --key file:/run/secrets/gateway-key'],
    load: async () => (await import('./connect.ts')).connect,
  },
  {
    name: ['keys', 'create'],
    summary: 'Create an API key and show its secret, once',
    about: 'Without --server the key reaches every server; without --action it may do every MCP operation and nothing else.',
    client: true,
    prints: true,
    options: [
      { flags: '--name TEXT', about: 'What the key is for.', required: true },
      { flags: '--server NAME', about: 'Server that the key may reach.', repeated: true },
      {
        flags: '--action NAME',
        about: 'MCP operation, permission or role that it holds, such as tools.call, tools.*, keys.read or role:viewer.',
        repeated: true,
      },
      { flags: '--expires WHEN', about: 'A duration (90d), a date or time (2027-01-31), or never.', otherwise: '90d' },
      { flags: '--environment WORD', about: 'Word in the secret: gwo_{environment}_….', otherwise: "the configuration's" },
      { flags: '--team ID', about: 'Team that it is of, by id or name; so of the others. Any text where there is none such.' },
      { flags: '--project ID', about: 'Project that its calls are attributed to.' },
      { flags: '--user ID', about: 'User that it belongs to.' },
      { flags: '--service-account ID', about: 'Or the service account.' },
      { flags: '--agent NAME', about: 'Agent that calls with it.' },
    ],
    examples: ['gateway keys create --name my-agent --server filesystem', 'gateway keys create --name ci --action tools.list --expires 1d -o json'],
    load: async () => (await import('./keys-create.ts')).keysCreate,
  },
  {
    name: ['keys', 'list'],
    summary: 'List API keys, newest first',
    client: true,
    prints: true,
    options: [
      { flags: '--search TEXT', about: 'Somewhere in the name, or the whole prefix.' },
      { flags: '--status WORD', about: 'active, expired or revoked.' },
      { flags: '--unused DAYS', about: 'Only those made so many days ago and not used since.' },
      ...['user', 'service-account', 'agent', 'team', 'project'].map((owner) => ({ flags: `--${owner} ID`, about: 'Only those of this one.' })),
      { flags: '--limit NUMBER', about: 'Keys on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    load: async () => (await import('./keys-list.ts')).keysList,
  },
  {
    name: ['keys', 'get'],
    summary: 'Show one API key and its use',
    client: true,
    prints: true,
    arguments: [id],
    load: async () => (await import('./keys-get.ts')).keysGet,
  },
  {
    name: ['keys', 'rotate'],
    summary: 'Give an API key a new secret and show it, once',
    about: 'The old secret stays good for a day, so that programs can change over.',
    client: true,
    prints: true,
    arguments: [id],
    options: [{ flags: '--grace DURATION', about: 'For how long the old secret stays good, 0s to 24h.', otherwise: '24h' }],
    load: async () => (await import('./keys-rotate.ts')).keysRotate,
  },
  {
    name: ['keys', 'revoke'],
    summary: 'End an API key for good, on every worker',
    client: true,
    prints: true,
    arguments: [id],
    load: async () => (await import('./keys-revoke.ts')).keysRevoke,
  },
  {
    name: ['servers', 'list'],
    summary: 'List the MCP servers behind the gateway',
    client: true,
    prints: true,
    load: async () => (await import('./servers-list.ts')).serversList,
  },
  {
    name: ['servers', 'get'],
    summary: 'Show a server and each of its targets',
    about: 'Counts are those of this node since its workers began to use the target.',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the server.' }],
    load: async () => (await import('./servers-get.ts')).serversGet,
  },
  {
    name: ['servers', 'switch'],
    summary: 'Let another target of a server take its calls',
    about:
      'Blue-green: all calls go there from now on, on every node, until something else is asked or gateway.yaml names another active target. `gateway servers set NAME --reset` takes it back.',
    client: true,
    prints: true,
    arguments: [
      { form: 'NAME', about: 'Name of the server.' },
      { form: 'TARGET', about: 'Name of the target.' },
    ],
    options: [dryRun],
    examples: ['gateway servers switch search green', 'gateway servers switch search green --dry-run -o json'],
    load: async () => (await import('./servers-switch.ts')).serversSwitch,
  },
  {
    name: ['servers', 'set'],
    summary: 'Change which targets of a server take which calls',
    about: 'On every node, until it is taken back or gateway.yaml says another active target or canary. What is not named stays as it is.',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the server.' }],
    options: [
      { flags: '--active TARGET', about: 'The target that takes the calls.' },
      { flags: '--canary TARGET', about: 'The target that is tried out.' },
      { flags: '--share PERCENT', about: 'Per cent of the calls that go to the canary.' },
      { flags: '--header NAME=VALUE', about: 'Calls with this header go to the canary; none: no header decides.' },
      { flags: '--principal ID', about: 'Key whose calls go to the canary, in the place of those before; none: no key.', repeated: true },
      { flags: '--reset', about: 'As gateway.yaml has it again.' },
      dryRun,
    ],
    examples: ['gateway servers set search --canary green --share 5', 'gateway servers set search --share 50', 'gateway servers set search --reset'],
    load: async () => (await import('./servers-set.ts')).serversSet,
  },
  {
    name: ['servers', 'drain'],
    summary: 'Let a target of a server take no new calls',
    about: 'Calls under way end, sessions go on at another target. On every node, until it is undone.',
    client: true,
    prints: true,
    arguments: [
      { form: 'NAME', about: 'Name of the server.' },
      { form: 'TARGET', about: 'Name of the target.' },
    ],
    options: [{ flags: '--undo', about: 'It takes calls again.' }],
    load: async () => (await import('./servers-drain.ts')).serversDrain,
  },
  {
    name: ['servers', 'test'],
    summary: 'Connect to a server, list what it offers and say how long each step took',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the server.' }],
    options: [{ flags: '--target NAME', about: 'One of several targets.', otherwise: 'the first that takes calls' }],
    load: async () => (await import('./servers-test.ts')).serversTest,
  },
  ...recordCommands,
  ...careCommands,
  ...accessCommands,
  ...organizationCommands,
  ...viewCommands,
  ...directoryCommands,
  ...sessionCommands,
  ...scimCommands,
  ...grantCommands,
  ...objectCommands,
  ...priceCommands,
  {
    name: ['admin', 'link'],
    summary: 'Make a one-time administrator link to the dashboard',
    client: true,
    prints: true,
    load: async () => (await import('./admin-link.ts')).adminLink,
  },
  {
    name: ['doctor'],
    summary: 'Check configuration, port, state folder, the running gateway and each server',
    about: 'One line a check: ✓ well, ▲ a warning, ⬣ a problem.',
    client: true,
    prints: true,
    options: [config],
    load: async () => (await import('./doctor.ts')).doctor,
  },
  { name: ['version'], summary: 'Show the version', prints: true, load: async () => (await import('./version.ts')).version },
];

export const printOptions: readonly OptionSpec[] = [
  { flags: '-o, --output FORMAT', about: 'text, json or ndjson (a list as one JSON document a line).', otherwise: 'text' },
  { flags: '--json', about: 'The same as -o json.' },
];

export const clientOptions: readonly OptionSpec[] = [
  { flags: '--state DIR', about: 'State folder of a gateway on this machine.', otherwise: 'the nearest .gatewayops, here or above' },
  {
    flags: '--url URL',
    about: 'Address of a gateway; its key is read from GATEWAYOPS_API_KEY, or `gateway login` has signed in there.',
    otherwise: 'GATEWAYOPS_URL, if set',
  },
  { flags: '--organization ID', about: "Act in this organization instead of the caller's own.", otherwise: 'GATEWAYOPS_ORGANIZATION, if set' },
];

export const commonOptions: readonly OptionSpec[] = [{ flags: '--no-color', about: 'No colours; NO_COLOR does the same.' }];

/** What groups of commands are about. */
export const groups: Readonly<Record<string, string>> = {
  keys: 'API keys',
  servers: 'The MCP servers behind the gateway',
  tools: 'The tools of servers',
  organizations: 'Organizations that share the gateway, each with its own people, keys, policies and records.',
  ...directoryGroups,
  ...objectGroups,
  prices: 'Prices one by one',
  invitations: 'Who may become a user',
  sessions: 'Who is signed in',
  identity: 'By whom people sign in',
  'identity certificates': 'Who vouches for callers by client certificates',
  scim: 'Which identity providers send users and groups',
  grants: 'What people have allowed clients that act for them',
  policies: 'Who may do what',
  access: 'Why a call would be let through or refused',
  switches: 'What is switched off',
  permissions: 'What can be permitted',
  traces: 'What happened',
  views: 'Views of lists, saved by name',
  logs: 'Every call',
  masking: 'What is masked before it is stored',
  costs: 'What it cost',
  audit: 'Who changed what, and the proof of it',
  privacy: 'What is held about a person',
  admin: 'Administration',
};

/** All options of a command, its own first. */
export function optionsOf(command: CommandSpec): readonly OptionSpec[] {
  return [...(command.options ?? []), ...(command.client ? clientOptions : []), ...(command.prints ? printOptions : []), ...commonOptions];
}
