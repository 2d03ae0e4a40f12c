/** The commands of what the configuration consists of: five for each kind of `kernel/config-object.ts`. */
import { objectKinds, objectRows, type ObjectKind } from '../kernel/config-object.ts';
import type { CommandSpec, OptionSpec } from './command.ts';

const dryRun: OptionSpec = { flags: '--dry-run', about: 'Say whether it could be done, change nothing.' };
const paging: readonly OptionSpec[] = [
  { flags: '--limit NUMBER', about: 'How many on the page, 1 to 200.', otherwise: '50' },
  { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
];
const file: OptionSpec = { flags: '--file FILE', about: 'What is said of it, in YAML or JSON; - reads it from the standard input.' };
const set: OptionSpec = { flags: '--set MEMBER=VALUE', about: 'One member, also within others (timeouts.connect=3s); the value is YAML.', repeated: true };

const kindCommands: readonly CommandSpec[] = objectKinds.flatMap((kind): CommandSpec[] => {
  const { plural, title, name: named, setting, example } = objectRows[kind];
  const name = { form: 'NAME', about: named.about };
  const members = Object.entries(example);
  const sample = members.some(([, value]) => typeof value === 'object')
    ? `--file ${title.replaceAll(' ', '-')}.yaml`
    : members.map(([member, value]) => `--set ${member}=${String(value)}`).join(' ');
  const writes: CommandSpec[] = [
    {
      name: [plural, 'create'],
      summary: `Make a ${title} in the running gateway`,
      about: `What can be said of it is what an entry of ${setting} in gateway.yaml can say. It serves on every node within a second.`,
      client: true,
      prints: true,
      arguments: [name],
      options: [file, set, dryRun],
      examples: [`gateway ${plural} create ${named.example} ${sample}`],
      load: async () => (await import('./object-change.ts')).objectCreate(kind),
    },
    {
      name: [plural, 'update'],
      summary: `Change a ${title} that was made so`,
      about: 'With --file all that is said of it is another; with --set alone the rest stays. The word null takes a member away.',
      client: true,
      prints: true,
      arguments: [name],
      options: [file, set, dryRun],
      load: async () => (await import('./object-change.ts')).objectUpdate(kind),
    },
    {
      name: [plural, 'delete'],
      summary: `Delete a ${title} that was made so`,
      about: 'Refused as long as something else needs it.',
      client: true,
      prints: true,
      arguments: [name],
      options: [dryRun],
      load: async () => (await import('./object-change.ts')).objectDelete(kind),
    },
  ];
  if (kind === 'server') return writes;
  return [
    {
      name: [plural, 'list'],
      summary: `List ${title === 'retention' ? 'how long records are kept' : `${title}s`}`,
      about: 'Those of gateway.yaml, with their line, and those that were made in the running gateway.',
      client: true,
      prints: true,
      options: paging,
      load: async () => (await import('./object-list.ts')).objectList(kind),
    },
    {
      name: [plural, 'get'],
      summary: `Show a ${title}`,
      client: true,
      prints: true,
      arguments: [name],
      load: async () => (await import('./object-list.ts')).objectGet(kind),
    },
    ...writes,
  ];
});

export const objectCommands: readonly CommandSpec[] = [
  ...kindCommands,
  {
    name: ['objects', 'list'],
    summary: 'List everything that the configuration consists of, of all kinds',
    about: 'What gateway.yaml says, with its line, and what was made in the running gateway; also what does not serve, and why.',
    client: true,
    prints: true,
    options: [
      { flags: '--kind WORD', about: `Only these: ${objectKinds.join(', ')}.` },
      { flags: '--source WORD', about: 'file, environment, registry or default.' },
      ...paging,
    ],
    examples: ['gateway objects list --source registry'],
    load: async () => (await import('./object-list.ts')).objectsList,
  },
];

/** What groups of these commands are about; servers have more. */
export const objectGroups: Readonly<Record<string, string>> = {
  objects: 'What the configuration consists of, of all kinds',
  ...Object.fromEntries(objectKinds.filter((kind) => kind !== 'server').map((kind: ObjectKind) => [objectRows[kind].plural, objectRows[kind].about])),
};
