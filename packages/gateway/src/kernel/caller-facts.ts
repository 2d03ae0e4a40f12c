/** What rules with conditions and policy engines are told of who calls: one set of names for both. */

/** A caller as authentication knows it. */
export interface KnownCaller {
  readonly id: string;
  readonly data: Readonly<Record<'kind' | 'organizationId' | 'teamId' | 'projectId' | 'userId' | 'serviceAccountId' | 'agent' | 'environment', string>>;
}

export function callerFacts({ id, data }: KnownCaller): Readonly<Record<string, string>> {
  return {
    id,
    kind: data.kind,
    organization: data.organizationId,
    team: data.teamId,
    project: data.projectId,
    user: data.userId,
    service_account: data.serviceAccountId,
    agent: data.agent,
    environment: data.environment,
  };
}

/** The address that a call came from; an IPv4 address as such also where the socket is one of IPv6. */
export function addressFact(ip: string): string {
  return ip.startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ip;
}
