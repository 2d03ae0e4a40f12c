/** The commands that keep what a gateway has: backups, and the way back. */
import type { CommandSpec, OptionSpec } from './command.ts';

const key: OptionSpec = {
  flags: '--key KEY',
  about: 'Public key of the gateway in base64, or a file with such keys, as `gateway audit keys -o json` prints them: the backup must be signed by it.',
  repeated: true,
  otherwise: 'the keys that the backup itself names',
};

export const careCommands: readonly CommandSpec[] = [
  {
    name: ['backup'],
    summary: 'Take a backup of a running gateway, and check it',
    about:
      'A file for its owner alone: the registry, the audit with its checkpoints and public keys, gateway.yaml without the secrets that it refers to, and of the ledger what --ledger says. docs/guides/backup.md says what is in it.',
    client: true,
    prints: true,
    arguments: [{ form: '[FILE]', about: 'Where it is written. Default: gateway-TIME.backup.zip in this folder.' }],
    options: [
      { flags: '--ledger WHAT', about: 'none; costs: what each day has cost; all: the calls and their masked bodies too.', otherwise: 'none' },
      { flags: '--since WHEN', about: 'With --ledger all: the first day of calls, by a duration ago (7d), or a date.', otherwise: 'the beginning' },
      { flags: '--until WHEN', about: 'With --ledger all: the last day of calls, in the same forms.', otherwise: 'today' },
    ],
    examples: ['gateway backup', 'gateway backup --ledger all --since 7d nightly.zip', 'gateway backup --ledger costs -o json'],
    load: async () => (await import('./backup.ts')).backup,
  },
  {
    name: ['backup', 'list'],
    summary: 'List the backups that the gateway took by itself, and when the next one is due',
    about: 'As `backup` of gateway.yaml says; of all nodes on the same registry, newest first. Where one failed it says why.',
    client: true,
    prints: true,
    options: [
      { flags: '--limit NUMBER', about: 'Backups on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    examples: ['gateway backup list', "gateway backup list -o json | jq '.schedule'"],
    load: async () => (await import('./backup-list.ts')).backupList,
  },
  {
    name: ['backup', 'verify'],
    summary: 'Check a backup: every part, its signature and the audit in it',
    about: 'Needs no gateway. What is wrong with the file is an error that names the place.',
    prints: true,
    arguments: [{ form: 'FILE', about: 'The backup.' }],
    options: [key],
    examples: ['gateway backup verify nightly.zip --key keys.json'],
    load: async () => (await import('./backup-verify.ts')).backupVerify,
  },
  {
    name: ['export'],
    summary: 'Write the configuration that serves as a gateway.yaml, with what was set while the gateway ran',
    about:
      'The file with its comments, and in it the price list, the policies, active targets, canaries and weights that were set by command or API: what a file says holds after every restart. Secrets stay references. Of calls, of the audit and of everything there are `gateway logs export`, `gateway audit export` and `gateway backup`.',
    client: true,
    arguments: [{ form: '[FILE]', about: 'Where it is written. Default: standard output.' }],
    examples: ['gateway export', 'gateway export gateway.new.yaml && gateway validate gateway.new.yaml'],
    load: async () => (await import('./export.ts')).exportConfiguration,
  },
  {
    name: ['restore'],
    summary: 'Fill the stores of a gateway that does not run from a backup',
    about:
      'Checks all of the backup first, and makes nothing of one that is damaged or whose audit was changed. The stores are those of the configuration; where no file is there, that of the backup is written. They must be empty.',
    prints: true,
    arguments: [{ form: 'FILE', about: 'The backup.' }],
    options: [
      { flags: '--config FILE', about: 'The configuration.', otherwise: 'gateway.yaml' },
      { flags: '--state DIR', about: "Folder of the gateway's state.", otherwise: '.gatewayops' },
      { flags: '--replace', about: 'Move the embedded stores that are there aside. Databases on servers must be empty in any case.' },
      { flags: '--despite-findings', about: 'Also where the audit in it was changed before the backup was made.' },
      key,
    ],
    examples: ['gateway restore nightly.zip', 'gateway restore nightly.zip --state /var/lib/gatewayops --key keys.json'],
    load: async () => (await import('./restore.ts')).restore,
  },
];
