/** The commands of who is signed in, and by whom people sign in. */
import type { CommandSpec } from './command.ts';

const url = { flags: '--url URL', about: 'Address of the gateway, as its public_url says it.', otherwise: 'GATEWAYOPS_URL, if set' };

export const sessionCommands: readonly CommandSpec[] = [
  {
    name: ['login'],
    summary: 'Sign in at a gateway by the browser',
    about:
      'Commands with the same --url then act as you, within your roles, without a key. The tokens are in ~/.config/gatewayops/tokens.json, which only you can read; a key in GATEWAYOPS_API_KEY comes first. The gateway needs identity.authorization_server: docs/guides/oauth.md.',
    options: [
      url,
      { flags: '--scope TEXT', about: 'What commands may do: permissions with spaces between them, such as "traces.read keys.*".', otherwise: 'what you may' },
      { flags: '--without-browser', about: 'Only say the address that is to be opened; it must be in a browser on this machine.' },
    ],
    prints: true,
    examples: ['gateway login --url https://gateway.example', 'gateway whoami --url https://gateway.example'],
    load: async () => (await import('./login.ts')).login,
  },
  {
    name: ['logout'],
    summary: 'Sign out at a gateway',
    about: 'Its tokens are revoked there and forgotten here.',
    options: [url],
    prints: true,
    examples: ['gateway logout --url https://gateway.example'],
    load: async () => (await import('./login.ts')).logout,
  },
  {
    name: ['identity', 'list'],
    summary: 'List the identity providers that people sign in by',
    client: true,
    prints: true,
    load: async () => (await import('./identity.ts')).identityList,
  },
  {
    name: ['identity', 'test'],
    summary: 'Test an identity provider: which step fails, and what mends it',
    about: 'Exits with 6 where a step fails.',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the provider.' }],
    load: async () => (await import('./identity.ts')).identityTest,
  },
  {
    name: ['identity', 'preview'],
    summary: 'Show which teams and roles claims would give somebody',
    client: true,
    prints: true,
    arguments: [
      { form: 'NAME', about: 'Name of the provider.' },
      { form: 'FILE', about: 'The claims of an ID token, as a JSON object.' },
    ],
    examples: ['gateway identity preview okta claims.json'],
    load: async () => (await import('./identity.ts')).identityPreview,
  },
  {
    name: ['identity', 'try'],
    summary: 'Try a sign-in all the way in a browser, and show what it would give',
    about:
      'Prints a link and waits until somebody has signed in by it: nobody is let in or made a user. Shows all that the provider said, and exits with 1 where a step fails.',
    client: true,
    prints: true,
    arguments: [{ form: 'NAME', about: 'Name of the provider.' }],
    examples: ['gateway identity try okta'],
    load: async () => (await import('./identity.ts')).identityTry,
  },
  {
    name: ['identity', 'keys'],
    summary: 'List the keys that sign the tokens which the gateway gives out, or rotate them',
    about:
      'One signs, and the next one is published already: it takes over each month, or with --rotate at once, on every node. Tokens by the earlier key stay good until they end; to end them now, take the grants back: gateway grants revoke ID.',
    client: true,
    prints: true,
    options: [{ flags: '--rotate', about: 'The next key signs from now on.' }],
    examples: ['gateway identity keys', 'gateway identity keys --rotate'],
    load: async () => (await import('./identity-keys.ts')).identityKeys,
  },
  {
    name: ['identity', 'certificates', 'list'],
    summary: 'List the authorities of client certificates, their revocation lists, and who calls by them',
    about: 'Says what is over, or will be within 30 days; of a revocation list in the last quarter of its time.',
    client: true,
    prints: true,
    load: async () => (await import('./identity-certificates.ts')).identityCertificatesList,
  },
  {
    name: ['identity', 'certificates', 'test'],
    summary: 'Say whose a client certificate is, or which test it fails and how to mend it',
    about:
      'Asks what decides calls. Only the certificates of the file leave this machine, never a key beside them. Nobody is let in by it and nothing is changed. Exits with 6 where the certificate is not taken.',
    client: true,
    prints: true,
    arguments: [{ form: 'FILE', about: 'The certificate of the client, in PEM or DER; in PEM with those that it sends with it, its own first.' }],
    examples: ['gateway identity certificates test indexer.pem'],
    load: async () => (await import('./identity-certificates.ts')).identityCertificatesTest,
  },
  {
    name: ['identity', 'links'],
    summary: 'List the identities that a user signs in by, oldest first',
    client: true,
    prints: true,
    options: [{ flags: '--user ID', about: 'The user.' }],
    examples: ['gateway identity links --user usr_ana'],
    load: async () => (await import('./identity-links.ts')).identityLinks,
  },
  {
    name: ['identity', 'unlink'],
    summary: 'Unlink an identity from a user',
    about:
      'Whoever signs in by it then comes as for the first time. Ends every session of the user, and what clients were allowed in their name. To keep somebody out, switch the user off: gateway users disable ID.',
    client: true,
    prints: true,
    arguments: [{ form: 'ID', about: 'Id of the identity, as gateway identity links shows it.' }],
    options: [{ flags: '--user ID', about: 'The user who signs in by it.' }],
    examples: ['gateway identity unlink 2jmj7l5rSw0yVb_vlWAYkK_YBwk3Jz5Nc0nKqg6w0aE --user usr_ana'],
    load: async () => (await import('./identity-links.ts')).identityUnlink,
  },
  {
    name: ['sessions', 'list'],
    summary: 'List sessions of people, newest first',
    about: "Those of a user, or one's own: to the operator and to keys, those that administrator links of theirs have opened.",
    client: true,
    prints: true,
    options: [{ flags: '--user ID', about: 'Of this user.', otherwise: "one's own" }],
    examples: ['gateway sessions list --user usr_ana'],
    load: async () => (await import('./sessions.ts')).sessionsList,
  },
  {
    name: ['sessions', 'end'],
    summary: 'End a session, or every one of a user',
    about:
      'Over on every node at once; with every one of a user ends what clients were allowed in their name. To keep a user out, switch them off: gateway users disable ID.',
    client: true,
    prints: true,
    arguments: [{ form: '[ID]', about: 'Id of the session (ses_…); left out, with --user: every one of the user.' }],
    options: [{ flags: '--user ID', about: 'The user whose session it is.', otherwise: "it is one's own" }],
    examples: ['gateway sessions end --user usr_ana', 'gateway sessions end ses_4f2K9'],
    load: async () => (await import('./sessions.ts')).sessionsEnd,
  },
];
