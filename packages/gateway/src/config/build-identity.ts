/** `identity` as it is written → who vouches for callers. */
import { resolve } from 'node:path';
import type { CallerRule } from '../identity/issuer-data.ts';
import { foldText } from '../kernel/directory.ts';
import type { OrganizationId } from '../kernel/id.ts';
import { buildAuthorizationServer } from './build-authorization-server.ts';
import { buildAuthority } from './build-certificates.ts';
import { buildProvider } from './build-providers.ts';
import type { IdentityConfig, IssuerConfig, SecretReference } from './config.ts';
import { parseDuration } from './quantities.ts';
import type { GatewayFile } from './schema.ts';
import type { IssuerEntry } from './schema-identity.ts';

export function buildIdentity(
  { issuers, certificates, providers, authorization_server: server }: GatewayFile['identity'],
  folder: string,
  reference: (secret: SecretReference) => SecretReference,
): IdentityConfig {
  return {
    issuers: issuers.map((entry) => buildIssuer(entry, folder)),
    certificates: { authorities: certificates.authorities.map((entry) => buildAuthority(entry, folder)), proxies: certificates.proxies },
    providers: providers.map((entry) => buildProvider(entry, folder, reference)),
    authorizationServer: server === undefined ? null : buildAuthorizationServer(server, folder),
  };
}

function buildIssuer(entry: IssuerEntry, folder: string): IssuerConfig {
  const { provision, claims } = entry;
  return {
    name: entry.name,
    organizationId: entry.organization as OrganizationId,
    issuer: entry.issuer,
    audiences: typeof entry.audience === 'string' ? [entry.audience] : entry.audience,
    jwksUrl: entry.jwks_url ?? null,
    algorithms: entry.algorithms,
    tokenTypes: entry.token_types,
    authorizedParties: entry.authorized_parties ?? null,
    requiredClaims: entry.required_claims,
    maxAgeMs: parseDuration(entry.max_age) ?? 0,
    allowedNetworks: entry.allow_addresses ?? [],
    caFile: entry.ca === undefined ? null : resolve(folder, entry.ca),
    mapping: {
      callers: entry.callers.flatMap((rule) => buildCaller(rule)),
      people:
        provision === 'none'
          ? null
          : {
              ...claims,
              provision,
              isEmailTrusted: entry.email_verified === 'assumed',
              linkByEmail: entry.link_by_email ?? provision === 'required',
              domains: entry.domains?.map(foldText) ?? null,
              allowedGroups: entry.allowed_groups ?? null,
              firstRoleIds: entry.first_roles,
              mapping: entry.mapping.map(({ group, teams, roles }) => ({ group, teamIds: teams, roleIds: roles })),
            },
    },
    actions: entry.actions ?? null,
    servers: entry.servers ?? null,
    controlApi: entry.control_api,
  };
}

/** One that names nobody, or two, is reported by the check of it. */
function buildCaller({ claims, user, service_account: account, agent }: IssuerEntry['callers'][number]): CallerRule[] {
  if (user !== undefined) return [{ claims, kind: 'user', id: user }];
  if (account !== undefined) return [{ claims, kind: 'service_account', id: account }];
  return agent === undefined ? [] : [{ claims, kind: 'agent', id: agent }];
}
