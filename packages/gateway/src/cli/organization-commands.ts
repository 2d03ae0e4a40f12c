/** The commands of organizations themselves. What is in one is reached with `--organization`, by every command that asks a gateway. */
import type { CommandSpec } from './command.ts';

const id = { form: 'ID', about: 'Id of the organization (org_…).' };

export const organizationCommands: readonly CommandSpec[] = [
  {
    name: ['organizations', 'list'],
    summary: 'List organizations',
    about: "The caller's own; every one for who may enter or manage them.",
    client: true,
    prints: true,
    options: [
      { flags: '--limit NUMBER', about: 'Organizations on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    load: async () => (await import('./organizations.ts')).organizationsList,
  },
  {
    name: ['organizations', 'get'],
    summary: 'Show an organization',
    client: true,
    prints: true,
    arguments: [id],
    load: async () => (await import('./organizations.ts')).organizationsGet,
  },
  {
    name: ['organizations', 'create'],
    summary: 'Make an organization',
    about: 'It has the built-in roles, and one policy: its members may call every server that gateway.yaml offers it.',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the organization.' }],
    options: [{ flags: '--id ID', about: 'As gateway.yaml names it.', otherwise: 'one is made (org_…)' }],
    examples: ['gateway organizations create Acme --id org_acme'],
    load: async () => (await import('./organizations.ts')).organizationsCreate,
  },
  {
    name: ['organizations', 'update'],
    summary: 'Rename an organization',
    client: true,
    prints: true,
    arguments: [id],
    options: [{ flags: '--name TEXT', about: 'Another name.', required: true }],
    load: async () => (await import('./organizations.ts')).organizationsUpdate,
  },
  {
    name: ['organizations', 'delete'],
    summary: 'Delete an organization',
    about:
      'Refused as long as it has keys or anything in its directory. Its audit and its calls are kept as long as they must be, and its id is never given again.',
    client: true,
    prints: true,
    arguments: [id],
    options: [
      { flags: '--cascade', about: 'Revoke its keys and delete all that is in it instead of refusing.' },
      { flags: '--dry-run', about: 'Say what would go, change nothing.' },
    ],
    examples: ['gateway organizations delete org_acme --cascade --dry-run'],
    load: async () => (await import('./organizations.ts')).organizationsDelete,
  },
];
