import type { OrganizationId } from '../../kernel/id.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { ControlDependencies } from '../context.ts';
import { defaultRateLimit } from '../keys/verify-key.ts';
import { within } from '../permissions.ts';
import { permissionsOf } from '../roles/built-in-roles.ts';

/** What somebody of the directory shows of themselves, and the most that it lets them do. */
export interface Shown extends Pick<PrincipalData, 'credential' | 'credentialId' | 'issuer' | 'keyId' | 'keyPrefix' | 'servers' | 'actions' | 'expiresAtMs'> {}

/**
 * A user, service account or agent that calls without a key, as the directory has it now: what it inherits from, and of users and service accounts no more
 * than their roles allow. Faults: `unavailable`.
 */
export async function principalOfEntry(
  { registry, mcpActions, config }: Pick<ControlDependencies, 'registry' | 'mcpActions' | 'config'>,
  organizationId: OrganizationId,
  entry: EntryRecord,
  shown: Shown,
): Promise<PrincipalData> {
  const { kind, id } = entry;
  const ancestors = await registry.directory.lineage(organizationId, [{ kind, id }]);
  const isOwner = kind === 'user' || kind === 'service_account';
  const granted = ancestors.filter((one) => one.kind === 'role').flatMap((role) => permissionsOf(role, mcpActions));
  return {
    ...shown,
    kind: kind === 'user' || kind === 'agent' ? kind : 'service_account',
    organizationId,
    userId: kind === 'user' ? id : '',
    teamId: linkOf(entry, kind === 'user' ? 'team_ids' : 'team_id'),
    projectId: linkOf(entry, 'project_id'),
    agent: kind === 'agent' ? id : '',
    serviceAccountId: kind === 'service_account' ? id : '',
    lineage: ancestors.filter((one) => one.kind !== 'role').map((one) => ({ kind: one.kind, id: one.id })),
    owner: isOwner ? { kind, id } : null,
    environment: config.keys.environment,
    actions: isOwner ? within(shown.actions, granted, mcpActions) : shown.actions,
    deprecatedUntilMs: null,
    // The rule for every key is the rule for every caller.
    rateLimit: defaultRateLimit(config.rateLimits),
  };
}

/** The first that it is tied to by a member; empty: none. */
function linkOf({ links }: EntryRecord, member: string): string {
  return links[member]?.[0]?.id ?? '';
}
