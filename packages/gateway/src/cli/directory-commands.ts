/** The commands of the directory: five for each noun of `kernel/directory.ts`. */
import { nounKinds, nouns, type LinkMember, type NounKind } from '../kernel/directory.ts';
import type { CommandSpec, OptionSpec } from './command.ts';

const dryRun: OptionSpec = { flags: '--dry-run', about: 'Say whether it could be done, change nothing.' };

/** The option that stands for a member: `--department` for department_id, `--team` for team_ids. */
export function optionOf(member: string): string {
  return member.replace(/_ids?$|s$/, '').replaceAll('_', '-');
}

const nounCommands: readonly CommandSpec[] = nounKinds.flatMap((kind): CommandSpec[] => {
  const { plural, title, links, names, texts, idPrefix } = nouns[kind];
  const example = kind === 'user' ? 'Ana' : kind === 'agent' ? 'ci-bot' : 'Payments';
  const id = { form: 'ID', about: `Id of the ${title}.` };
  const about = (one: LinkMember): string => (one.to.length === 1 ? one.about : `${one.about} ${one.to.map((to) => `${to}:ID`).join(' or ')}.`);
  const members: OptionSpec[] = [
    ...Object.entries(texts).map(([member, one]): OptionSpec => ({ flags: `--${optionOf(member)} TEXT`, about: one.about })),
    ...Object.entries(names).map(([member, one]): OptionSpec => ({ flags: `--${optionOf(member)} NAME`, about: one.about, repeated: true })),
    ...Object.entries(links).map(([member, one]): OptionSpec => ({
      flags: `--${optionOf(member)} ID`,
      about: about(one),
      ...(one.many ? { repeated: true } : {}),
    })),
  ];
  return [
    {
      name: [plural, 'list'],
      summary: `List ${title}s`,
      client: true,
      prints: true,
      options: [
        { flags: '--search TEXT', about: 'Somewhere in the id or the name.' },
        ...Object.entries(links).map(([member, one]): OptionSpec => ({ flags: `--${optionOf(member)} ID`, about: `Only those of this. ${about(one)}` })),
        { flags: '--sort WORD', about: 'name, -name, created_at or -created_at.', otherwise: 'name' },
        { flags: '--limit NUMBER', about: `${title[0]?.toUpperCase() ?? ''}${title.slice(1)}s on the page, 1 to 200.`, otherwise: '50' },
        { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
      ],
      load: async () => (await import('./directory-list.ts')).directoryList(kind),
    },
    {
      name: [plural, 'get'],
      summary: `Show a ${title}`,
      client: true,
      prints: true,
      arguments: [id],
      load: async () => (await import('./directory-list.ts')).directoryGet(kind),
    },
    {
      name: [plural, 'create'],
      summary: `Make a ${title}`,
      about: 'Keys that name its id already are its own from then on.',
      client: true,
      prints: true,
      arguments: [
        kind === 'agent' ? { form: '[NAME]', about: 'Name of the agent. Default: that of --from.' } : { form: 'NAME', about: `Name of the ${title}.` },
      ],
      options: [
        { flags: '--id ID', about: 'As keys carry it already, or shall.', otherwise: `one is made (${idPrefix}_…)` },
        ...(kind === 'agent' ? [{ flags: '--from AGENT', about: 'One that called already, as `gateway agents unregistered` shows it: its id.' }] : []),
        ...members,
        dryRun,
      ],
      examples: [`gateway ${plural} create ${example} --id ${example.toLowerCase()}`],
      load: async () => (await import('./directory-change.ts')).directoryCreate(kind),
    },
    {
      name: [plural, 'update'],
      summary: `Change a ${title}`,
      about: 'What is not named stays; the word none takes a member away.',
      client: true,
      prints: true,
      arguments: [id],
      options: [{ flags: '--name TEXT', about: 'Another name.' }, ...members, dryRun],
      load: async () => (await import('./directory-change.ts')).directoryUpdate(kind),
    },
    {
      name: [plural, 'delete'],
      summary: `Delete a ${title}`,
      about: 'Refused as long as something is tied to it, or has keys.',
      client: true,
      prints: true,
      arguments: [id],
      options: [{ flags: '--revoke-keys', about: 'Revoke the keys that name it instead of refusing.' }, dryRun],
      load: async () => (await import('./directory-change.ts')).directoryDelete(kind),
    },
  ];
});

const agentCommands: readonly CommandSpec[] = [
  {
    name: ['agents', 'unregistered'],
    summary: 'List agents that called and are not in the catalogue, most calls first',
    about: 'By the agent that their calls name, else by the name that the program gives itself.',
    client: true,
    prints: true,
    options: [
      { flags: '--days COUNT', about: 'Calls of so many days up to now, 90 at most.', otherwise: '30' },
      { flags: '--limit NUMBER', about: 'Agents that are shown, 1 to 200.', otherwise: '50' },
    ],
    examples: ['gateway agents unregistered', 'gateway agents create --from ci-bot --owner team:payments'],
    load: async () => (await import('./agents-unregistered.ts')).agentsUnregistered,
  },
];

const invitationCommands: readonly CommandSpec[] = [
  {
    name: ['users', 'invite'],
    summary: 'Invite a user and show the token that makes them one, once',
    client: true,
    prints: true,
    arguments: [{ form: 'EMAIL', about: 'Their address.' }],
    options: [
      { flags: '--name TEXT', about: 'What they are called.', otherwise: 'the address' },
      { flags: '--team ID', about: 'A team that they are to be a member of.', repeated: true },
      { flags: '--role ID', about: 'A role that they are to have.', repeated: true, otherwise: 'developer' },
      { flags: '--expires WHEN', about: 'A duration (3d) or a time, 30 days at most.', otherwise: '7d' },
    ],
    examples: ['gateway users invite ana@example.com --team payments --role viewer'],
    load: async () => (await import('./invitations.ts')).usersInvite,
  },
  {
    name: ['invitations', 'list'],
    summary: 'List invitations that nobody has accepted, newest first',
    client: true,
    prints: true,
    options: [
      { flags: '--search TEXT', about: 'Somewhere in the address or the name.' },
      { flags: '--only WORD', about: 'open: those that can still be accepted; over: those whose time is over.' },
      { flags: '--team ID', about: 'Only those into this team.' },
      { flags: '--role ID', about: 'Only those with this role.' },
      { flags: '--sort WORD', about: 'created_at, expires_at or email, or one of them with a minus.', otherwise: '-created_at' },
      { flags: '--limit NUMBER', about: 'Invitations on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    load: async () => (await import('./invitations.ts')).invitationsList,
  },
  {
    name: ['invitations', 'get'],
    summary: 'Show an invitation',
    client: true,
    prints: true,
    arguments: [{ form: 'ID', about: 'Id of the invitation (inv_…).' }],
    load: async () => (await import('./invitations.ts')).invitationsGet,
  },
  {
    name: ['invitations', 'accept'],
    summary: 'Become the user that an invitation speaks of',
    about: 'Once, by whoever has the token; no key is needed.',
    client: true,
    prints: true,
    options: [
      { flags: '--token PLACE', about: 'Where the token is: env:NAME or file:PATH. Never the token itself: command lines can be seen.', required: true },
    ],
    examples: ['gateway invitations accept --url https://gateway.example --token file:invitation.txt'],
    load: async () => (await import('./invitations.ts')).invitationsAccept,
  },
  {
    name: ['invitations', 'revoke'],
    summary: 'Take an invitation back',
    client: true,
    prints: true,
    arguments: [{ form: 'ID', about: 'Id of the invitation (inv_…).' }],
    load: async () => (await import('./invitations.ts')).invitationsRevoke,
  },
];

export const directoryCommands: readonly CommandSpec[] = [...nounCommands, ...agentCommands, ...invitationCommands];

/** What groups of these commands are about. */
export const directoryGroups: Readonly<Record<string, string>> = Object.fromEntries(nounKinds.map((kind: NounKind) => [nouns[kind].plural, nouns[kind].about]));
