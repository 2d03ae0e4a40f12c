/** The commands of grants: what people have allowed clients that act for them. */
import type { CommandSpec, OptionSpec } from './command.ts';

const id = { form: 'ID', about: 'Id of the grant (gra_…).' };
const mine: OptionSpec = { flags: '--mine', about: 'Of the caller’s own, for which no permission is needed.' };

export const grantCommands: readonly CommandSpec[] = [
  {
    name: ['grants', 'list'],
    summary: 'List what people have allowed clients, newest first',
    about: 'A client signs in by asking its person in the browser: docs/guides/oauth.md. What is over, or revoked, stays in the list for 30 days.',
    client: true,
    prints: true,
    options: [
      mine,
      { flags: '--user ID', about: 'Only those of this user.' },
      { flags: '--limit NUMBER', about: 'Grants on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    examples: ['gateway grants list', 'gateway grants list --user usr_ana -o json'],
    load: async () => (await import('./grants.ts')).grantsList,
  },
  {
    name: ['grants', 'get'],
    summary: 'Show a grant',
    client: true,
    prints: true,
    arguments: [id],
    load: async () => (await import('./grants.ts')).grantsGet,
  },
  {
    name: ['grants', 'revoke'],
    summary: 'Revoke a grant',
    about: 'Its tokens are refused on every node within a second, and what runs by them ends. The client has to ask its person again.',
    client: true,
    prints: true,
    arguments: [id],
    options: [mine],
    examples: ['gateway grants revoke gra_4f2K9'],
    load: async () => (await import('./grants.ts')).grantsRevoke,
  },
];
