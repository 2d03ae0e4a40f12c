import type { Principal } from '../authenticate/authenticate.ts';
import type { Clock } from '../kernel/clock.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { OrganizationRules } from '../snapshot/snapshot.ts';
import { accessSteps, compileAccess, type Access, type AccessView } from './access.ts';

/** The rules of several organizations: each caller is judged by those of its own and by no others. */
export interface AccessOfAll {
  readonly byOrganization: ReadonlyMap<string, Access>;
  /** What stands before all other rules of an organization. */
  readonly first: readonly OrganizationRules[];
  viewOf(principal: Principal): AccessView;
  /** The same with these before all others, in place of those that stand there now. */
  behind(first: readonly OrganizationRules[]): AccessOfAll;
}

/**
 * In steps; what stands before all others in `before` does so here, and rules that are the same object are not compiled again. A caller whose organization
 * is not among these may do nothing that a rule would have to allow. Throws as `compileAccess` does.
 */
export function* organizationSteps(
  organizations: readonly OrganizationRules[],
  clock: Pick<Clock, 'nowMs'>,
  before: AccessOfAll | null,
): Generator<void, AccessOfAll> {
  const first = before?.first ?? [];
  const byOrganization = new Map<string, Access>();
  for (const { organizationId, policies } of organizations) {
    const known = before?.byOrganization.get(organizationId);
    if (known !== undefined && known.made.rules.data === policies) byOrganization.set(organizationId, known);
    else {
      const made = yield* accessSteps(policies, clock, known ?? null, organizationId);
      byOrganization.set(organizationId, known === undefined ? made.behind(rulesOf(first, organizationId)) : made);
    }
  }
  return createAccessOfAll(byOrganization, first, compileAccess([], clock));
}

function createAccessOfAll(byOrganization: ReadonlyMap<string, Access>, first: readonly OrganizationRules[], nothing: Access): AccessOfAll {
  return {
    byOrganization,
    first,
    viewOf: (principal) => (byOrganization.get(principal.data.organizationId) ?? nothing).viewOf(principal),
    behind: (next) =>
      createAccessOfAll(new Map(Array.from(byOrganization, ([id, access]) => [id, behindOwn(access, rulesOf(first, id), rulesOf(next, id))])), next, nothing),
  };
}

function behindOwn(access: Access, before: readonly PolicyData[], after: readonly PolicyData[]): Access {
  return before === after ? access : access.behind(after);
}

const none: readonly PolicyData[] = [];

function rulesOf(all: readonly OrganizationRules[], organizationId: string): readonly PolicyData[] {
  return all.find((one) => one.organizationId === organizationId)?.policies ?? none;
}
