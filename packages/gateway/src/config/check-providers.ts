/** What the shape of `identity.providers` cannot say. */
import { presets } from '../kernel/provider-presets.ts';
import { checkUrl } from './check-address.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import type { ProviderEntry } from './schema-providers.ts';

export function checkProviders({ file, config }: Checked, complain: Complain): void {
  const { providers } = file.identity;
  for (const [index, entry] of providers.entries()) {
    const path: Path = ['identity', 'providers', index];
    const allowed = entry.allow_addresses ?? [];
    const { issuer: form, issuerForm, title } = presets[entry.preset];
    if (entry.type === 'oidc') checkIssuer(entry.issuer, [...path, 'issuer'], complain, allowed);
    if (entry.type === 'oidc' && entry.client_id === undefined)
      complain([...path, 'client_id'], 'the application has no id', 'Nobody could sign in by it.', 'Add client_id: the provider shows it.');
    checkSaml(entry, path, config, complain);
    if (entry.type === 'oidc' && !form.test(entry.issuer))
      complain([...path, 'issuer'], `it is no issuer of ${title}`, 'Nobody could sign in by it.', `Write ${issuerForm}; for another address, preset: custom.`);
    if (entry.type === 'oidc' && entry.issuer.startsWith('http:') && allowed.length === 0)
      complain(
        [...path, 'issuer'],
        'the provider is asked without TLS',
        'Whoever stands between could sign in as anybody.',
        'Write https://; for a test on this machine, name its address in allow_addresses.',
        { unsafe: true },
      );
    if (providers.findIndex(({ name }) => name === entry.name) < index)
      complain([...path, 'name'], `two providers are named ${entry.name}`, 'Links lead to one of them.', 'Give one of them another name.');
    for (const [number, domain] of entry.domains.entries())
      if (providers.findIndex(({ domains }) => domains.includes(domain)) < index)
        complain([...path, 'domains', number], `addresses of ${domain} lead to another provider`, 'An address leads to one.', 'Remove it from one of them.');
    if (entry.callback === 'shared' && providers.findIndex(({ callback }) => callback === 'shared') < index)
      complain(
        [...path, 'callback'],
        'two providers lead people back to one address',
        'What one of them answers could be taken for an answer of the other (RFC 9700, section 4.4).',
        `Write callback: own, and let the redirect URI at the provider end in /callback/${entry.name}.`,
      );
    if (entry.enforce && entry.domains.length === 0)
      complain([...path, 'enforce'], 'nothing is enforced', 'It is about addresses of domains, and none is named.', 'Add domains, or remove enforce.');
    if (entry.domains.length === 0 && entry.email_verified === 'assumed')
      complain(
        [...path, 'email_verified'],
        'any address of anybody would count',
        'Whoever may write an address at the provider could come in as the user who has it here.',
        'Add domains: those whose addresses the provider gives.',
        { unsafe: true },
      );
    if (entry.domains.length === 0 && entry.link_by_email === true && entry.preset === 'google')
      complain(
        [...path, 'domains'],
        'everybody with a Google account could come',
        'Accounts of Google are open to all.',
        'Add domains: those of your Workspace.',
        { unsafe: true },
      );
    if (entry.provision === 'just_in_time' && entry.preset === 'google' && entry.allowed_groups === undefined)
      complain(
        [...path, 'provision'],
        'everybody with a Google account would be made a user',
        'Accounts of Google are open to all.',
        'Write allowed_groups: [ACME.COM], the domain of your Workspace, which Google names in the claim hd.',
        { unsafe: true },
      );
    if (entry.provision === 'just_in_time' && entry.first_roles.includes('admin'))
      complain(
        [...path, 'first_roles'],
        'everybody would be made an administrator',
        'Whoever first comes has these roles.',
        'Give admin by mapping, to a group.',
        { unsafe: true },
      );
    if (entry.response_mode === 'form_post' && !isReachedOverTls(config))
      complain(
        [...path, 'response_mode'],
        'form_post needs TLS here',
        'Browsers send no cookie with a form of another site but over TLS, so nobody could be known again.',
        'Write response_mode: query, or serve TLS (listen.tls); behind a proxy that does, say its address: listen.public_url: https://….',
      );
  }
}

function checkIssuer(issuer: string, path: Path, complain: Complain, allowed: readonly string[]): void {
  if (!/^https?:$/.test(URL.parse(issuer)?.protocol ?? '') || /[?#]/.test(issuer))
    complain(
      path,
      'it is no address',
      'The discovery document is asked for there.',
      'Write the address by which the provider calls itself, without query and fragment.',
    );
  else checkUrl(issuer, path, complain, allowed);
}

function checkSaml(entry: ProviderEntry, path: Path, config: Checked['config'], complain: Complain): void {
  const { saml, type } = entry;
  if (type === 'oidc') {
    if (saml !== undefined) complain([...path, 'saml'], 'it is for type: saml alone', 'Nothing would come of it.', 'Write type: saml, or remove it.');
    return;
  }
  if (saml === undefined) {
    complain(
      [...path, 'saml'],
      'SAML needs the metadata of the provider',
      'Nobody could sign in by it.',
      'Write saml: { metadata: … }, a file or an https:// address.',
    );
    return;
  }
  for (const name of ['client_id', 'client_secret', 'scopes', 'callback'] as const)
    if (entry[name] !== undefined) complain([...path, name], 'SAML has none', 'Nothing would come of it.', 'Remove it.');
  const { metadata, key, certificate } = saml;
  const allowed = entry.allow_addresses ?? [];
  if (/^https?:\/\//.test(metadata)) {
    checkUrl(metadata, [...path, 'saml', 'metadata'], complain, allowed);
    if (metadata.startsWith('http:') && allowed.length === 0)
      complain(
        [...path, 'saml', 'metadata'],
        'its certificates are asked for without TLS',
        'Whoever stands between could sign in as anybody.',
        'Write https://, or take the metadata as a file.',
        { unsafe: true },
      );
  }
  if ((key === undefined) !== (certificate === undefined))
    complain(
      [...path, 'saml', key === undefined ? 'key' : 'certificate'],
      'key and certificate are of use together only',
      'Requests would not be signed.',
      'Name both, or neither.',
    );
  if (!isReachedOverTls(config))
    complain(
      [...path, 'type'],
      'SAML needs TLS here',
      'Browsers send no cookie with a form of another site but over TLS, so nobody could be known again.',
      'Serve TLS (listen.tls), or say the address of the proxy that does before the gateway: listen.public_url: https://….',
    );
}

/** By browsers, which keep the cookies of a sign-in by what they see: here, or at a proxy before. */
function isReachedOverTls({ listen }: Checked['config']): boolean {
  return listen.tls !== null || listen.publicUrl?.startsWith('https:') === true;
}
