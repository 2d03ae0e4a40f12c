/** The commands of provisioning: which identity providers send users and groups by SCIM. */
import type { CommandSpec } from './command.ts';

const provider = { form: 'PROVIDER', about: 'Name of the identity provider, as in identity.providers or identity.issuers of gateway.yaml.' };

export const scimCommands: readonly CommandSpec[] = [
  {
    name: ['scim', 'enable'],
    summary: 'Let an identity provider send users and groups, and show its token',
    about: 'The token is shown once. Write it at the provider, with the base URL: docs/guides/scim.md.',
    client: true,
    prints: true,
    arguments: [provider],
    examples: ['gateway scim enable okta'],
    load: async () => (await import('./scim.ts')).scimEnable,
  },
  {
    name: ['scim', 'list'],
    summary: 'List the identity providers that send users and groups',
    client: true,
    prints: true,
    load: async () => (await import('./scim.ts')).scimList,
  },
  {
    name: ['scim', 'rotate'],
    summary: 'Give an identity provider another token',
    about: 'The token before it stays good for 24 hours.',
    client: true,
    prints: true,
    arguments: [provider],
    load: async () => (await import('./scim.ts')).scimRotate,
  },
  {
    name: ['scim', 'disable'],
    summary: 'Stop an identity provider from sending users and groups',
    about: 'Its tokens are refused at once. The users and groups that it has sent stay.',
    client: true,
    prints: true,
    arguments: [provider],
    load: async () => (await import('./scim.ts')).scimDisable,
  },
  {
    name: ['scim', 'errors'],
    summary: 'List what an identity provider was refused, newest first',
    client: true,
    prints: true,
    arguments: [provider],
    options: [
      { flags: '--limit NUMBER', about: 'Refusals on the page, 1 to 200.', otherwise: '50' },
      { flags: '--cursor TEXT', about: 'Where the page begins; the page before names it.' },
    ],
    examples: ['gateway scim errors okta'],
    load: async () => (await import('./scim.ts')).scimErrors,
  },
];
