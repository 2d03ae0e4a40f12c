/** What callers sign in with, and what of it a route takes. */

/**
 * `apiKey`: a key of the gateway's own; `jwt`: a signed token of an issuer that the configuration names; `oauth`: a token that the gateway itself has
 * given a client for this address; `mtls`: a client certificate of an authority that the configuration names.
 */
export const credentialTypes = ['apiKey', 'jwt', 'oauth', 'mtls'] as const;
export type CredentialType = (typeof credentialTypes)[number];

/** As it is written in gateway.yaml and told to workers: one, or several of which a caller sends any; `none`: everyone who reaches the address. */
export type AuthType = 'none' | CredentialType | readonly CredentialType[];

export interface RouteAuth {
  readonly type: AuthType;
  /** Names of those whose tokens the route takes; absent: of every one. */
  readonly issuers?: readonly string[] | undefined;
}

/** Which credentials a caller may send; none where the route asks for no credential. */
export function credentialsOf(type: AuthType): readonly CredentialType[] {
  if (type === 'none') return [];
  return typeof type === 'string' ? [type] : type;
}

/** For people and the API: `apiKey`, or `apiKey, jwt`. */
export function authText(type: AuthType): string {
  return typeof type === 'string' ? type : type.join(', ');
}

/** Whether a route takes what a caller signed in with. */
export function takesCredential(
  { auth, issuers }: { readonly auth: AuthType; readonly issuers?: readonly string[] },
  { credential, issuer }: { readonly credential: CredentialType | 'none'; readonly issuer: string },
): boolean {
  if (auth === 'none') return true;
  if (typeof auth === 'string' ? auth !== credential : !auth.some((type) => type === credential)) return false;
  return credential !== 'jwt' || issuers === undefined || issuers.includes(issuer);
}

/** Whether what a caller signed in with is good at an address: a token of the gateway's own is at the one that it was given for (RFC 8707). */
export function isGoodAt(
  path: string,
  { credential, token }: { readonly credential: CredentialType | 'none'; readonly token?: { readonly path: string } },
): boolean {
  return credential !== 'oauth' || token?.path === path;
}
