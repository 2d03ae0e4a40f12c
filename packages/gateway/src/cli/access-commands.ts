/** The commands that say who may do what. */
import type { SwitchKind } from '../kernel/switch.ts';
import type { CommandSpec, OptionSpec } from './command.ts';

const switchable: readonly { readonly group: string; readonly kind: SwitchKind; readonly form: string; readonly about: string }[] = [
  { group: 'servers', kind: 'server', form: 'NAME', about: 'Name of the server.' },
  { group: 'tools', kind: 'tool', form: 'TOOL', about: 'Server and tool, as SERVER/TOOL.' },
  { group: 'keys', kind: 'key', form: 'ID', about: 'Id of the key.' },
  { group: 'agents', kind: 'agent', form: 'ID', about: 'Id of the agent, as keys carry it.' },
  { group: 'users', kind: 'user', form: 'ID', about: 'Id of the user, as keys carry it.' },
  { group: 'service-accounts', kind: 'service_account', form: 'ID', about: 'Id of the service account, as keys carry it.' },
  { group: 'projects', kind: 'project', form: 'ID', about: 'Id of the project, as keys carry it.' },
  { group: 'departments', kind: 'department', form: 'ID', about: 'Id of the department, whose teams are off with it.' },
  { group: 'teams', kind: 'team', form: 'ID', about: 'Id of the team, as keys carry it.' },
];

const switches = switchable.flatMap(({ group, kind, form, about }): CommandSpec[] => [
  {
    name: [group, 'disable'],
    summary: `Switch a ${kind.replace('_', ' ')} off: no call gets through, on every node within a second`,
    about: 'It wins over every policy and stands in the audit. Calls under way end by themselves.',
    client: true,
    prints: true,
    arguments: [{ form, about }],
    options: [
      { flags: '--reason TEXT', about: 'Why; it stands in the audit.', required: true },
      { flags: '--for DURATION', about: 'Until when, such as 2h or 2026-12-31.', otherwise: 'until it is enabled' },
    ],
    examples: [`gateway ${group} disable ${kind === 'tool' ? 'github/delete_repo' : kind === 'key' ? 'key_…' : 'NAME'} --reason INC-412 --for 2h`],
    load: async () => (await import('./switch-off.ts')).switchOff(kind),
  },
  {
    name: [group, 'enable'],
    summary: `Switch a ${kind.replace('_', ' ')} on again`,
    client: true,
    prints: true,
    arguments: [{ form, about }],
    load: async () => (await import('./switch-off.ts')).switchOn(kind),
  },
]);

/** What of a rule options can say. */
const effectOption: OptionSpec = { flags: '--effect WORD', about: 'allow, deny or hold.' };
const ruleOptions: readonly OptionSpec[] = [
  { flags: '--to SUBJECT', about: 'Whom it is for: members, anonymous, team:payments, agent:ci-*, …', repeated: true, otherwise: 'everyone' },
  { flags: '--server NAME', about: 'A server, or a pattern with *.', repeated: true, otherwise: 'all' },
  { flags: '--tool NAME', about: 'A tool, or a pattern with *.', repeated: true, otherwise: 'all of the server' },
  { flags: '--resource URI', about: 'A resource, or a pattern with *.', repeated: true },
  { flags: '--prompt NAME', about: 'A prompt, or a pattern with *.', repeated: true },
  { flags: '--action NAME', about: 'An operation, such as tools.call.', repeated: true, otherwise: 'all' },
  { flags: '--when CEL', about: 'A condition.', otherwise: 'always' },
  { flags: '--reason TEXT', about: 'Said to whom it refuses.' },
  { flags: '--until WHEN', about: 'From then on it holds no more: a duration (2h) or a time.' },
];

export const accessCommands: readonly CommandSpec[] = [
  {
    name: ['policies', 'list'],
    summary: 'List the rules of access',
    client: true,
    prints: true,
    load: async () => (await import('./policies-list.ts')).policiesList,
  },
  {
    name: ['policies', 'get'],
    summary: 'Show a rule of access',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the rule.' }],
    load: async () => (await import('./policies-list.ts')).policiesGet,
  },
  {
    name: ['policies', 'set'],
    summary: 'Make a rule of access, or change it',
    about: 'The whole rule: what is not given is as if it had been left out. docs/guides/access.md says what each part means.',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the rule.' }],
    options: [{ ...effectOption, required: true }, ...ruleOptions, { flags: '--dry-run', about: 'Say whether it could be made, change nothing.' }],
    examples: [
      "gateway policies set no-deletes --effect deny --server github --tool 'delete_*'",
      `gateway policies set small-payments --effect deny --server bank --tool transfer --when 'args.amount > 100'`,
    ],
    load: async () => (await import('./policies-set.ts')).policiesSet,
  },
  {
    name: ['policies', 'delete'],
    summary: 'Take a rule of access away',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the rule.' }],
    load: async () => (await import('./policies-set.ts')).policiesDelete,
  },
  {
    name: ['identity', 'check'],
    summary: 'Say whom a token of an issuer is of, or which test it fails and how to mend it',
    about: 'Nobody is let in by it and nothing is changed; the token is neither stored nor logged. Ends with 1 where the token is not taken.',
    client: true,
    prints: true,
    options: [
      { flags: '--token PLACE', about: 'Where the token is: env:NAME or file:PATH. Never the token itself: command lines can be seen.', required: true },
    ],
    examples: ['gateway identity check --token file:token.jwt'],
    load: async () => (await import('./identity-check.ts')).identityCheck,
  },
  {
    name: ['access', 'explain'],
    summary: 'Say why a call would be let through or refused, without making it',
    client: true,
    prints: true,
    options: [
      {
        flags: '--as CALLER',
        about: 'Who would call: a key, user, service account or agent by id (agent:ID where several have it), or a user by e-mail address.',
        required: true,
      },
      { flags: '--call TOOL', about: 'The tool, as SERVER/TOOL.' },
      { flags: '--read RESOURCE', about: 'Or the resource, as SERVER/URI.' },
      { flags: '--get PROMPT', about: 'Or the prompt, as SERVER/PROMPT.' },
      { flags: '--args JSON', about: 'The arguments of the call.', otherwise: 'none' },
      { flags: '--ip ADDRESS', about: 'Where the call would come from.' },
    ],
    examples: [
      `gateway access explain --as key_… --call github/create_issue --args '{"repo":"x"}'`,
      'gateway access explain --as ana@example.com --call github/create_issue',
    ],
    load: async () => (await import('./access-explain.ts')).accessExplain,
  },
  {
    name: ['access', 'dry-run'],
    summary: 'Say what other rules would have done with the calls of the last days',
    about:
      'Calls that were made are decided by the rules that hold and by those that would, for callers as they are now; nothing is changed. Where a condition asks after arguments, address or time, it is said how many calls that concerns.',
    client: true,
    prints: true,
    arguments: [{ form: '[FILE]', about: 'The whole list of rules: `policies`, as in gateway.yaml, which may be given itself.' }],
    options: [
      { flags: '--policy NAME', about: 'One rule: that of FILE, or what --effect and the others say.' },
      { flags: '--remove NAME', about: 'A rule that would be taken away.', repeated: true },
      { flags: '--days COUNT', about: 'Calls of so many days up to now.', otherwise: '7' },
      effectOption,
      ...ruleOptions,
    ],
    examples: [
      'gateway access dry-run gateway.yaml --days 30',
      "gateway access dry-run --policy no-deletes --effect deny --server github --tool 'delete_*'",
      'gateway access dry-run --remove members-may-call-every-server',
    ],
    load: async () => (await import('./access-dry-run.ts')).accessDryRun,
  },
  {
    name: ['switches', 'list'],
    summary: 'List what is switched off',
    client: true,
    prints: true,
    load: async () => (await import('./switch-off.ts')).switchesList,
  },
  ...switches,
  {
    name: ['permissions', 'list'],
    summary: 'List what roles and keys can permit',
    client: true,
    prints: true,
    options: [
      { flags: '--search TEXT', about: 'Somewhere in the name or what it is about.' },
      { flags: '--kind WORD', about: 'mcp: only operations of MCP; control: only those of the control API.' },
      { flags: '--sort WORD', about: 'kind or name, or one of them with a minus.', otherwise: 'kind' },
    ],
    load: async () => (await import('./permissions-list.ts')).permissionsList,
  },
  {
    name: ['whoami'],
    summary: 'Say who you are to the gateway, what you may do, why not, and who can grant it',
    client: true,
    prints: true,
    load: async () => (await import('./whoami.ts')).whoami,
  },
];
