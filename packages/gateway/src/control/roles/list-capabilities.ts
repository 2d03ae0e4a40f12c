import { nouns, type Reference } from '../../kernel/directory.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { ControlContext } from '../context.ts';
import { readCaller, type Caller } from '../keys/read-caller.ts';
import { covers, permissionNames, permissions, type Permission } from '../permissions.ts';
import { permissionsOf } from './built-in-roles.ts';

/** Something of the control plane that the caller may or may not do. */
export interface Capability {
  readonly permission: Permission;
  readonly about: string;
  readonly allowed: boolean;
  readonly reason: string;
  /** Whoever holds it and may give it: the operator of the machine, and users and service accounts, `capabilityGrantersMax` at most. */
  readonly grantedBy: readonly string[];
  /** The same without the operator, as people know them. */
  readonly granters: readonly { readonly reference: string; readonly name: string }[];
}

/** What the caller may do, why not, and who could change that. Faults: `unavailable`. */
export async function listCapabilities(context: ControlContext): Promise<readonly Capability[]> {
  const { actor, registry, organizationId } = context;
  const key = actor.kind === 'key' ? await registry.keys.find(organizationId, actor.id) : null;
  const caller = key === null ? null : await readCaller(context, key);
  const givers = await listGivers(context);
  return permissionNames.map((permission) => {
    const allowed = actor.can(permission);
    // Once, also who has it by two roles.
    const names = new Map(givers.filter(({ held }) => covers(held, permission)).map(({ who, name }) => [`${who.kind}:${who.id}`, name]));
    const granters = [...names].slice(0, bounds.capabilityGrantersMax - 1).map(([reference, name]) => ({ reference, name }));
    return {
      permission,
      about: permissions[permission],
      allowed,
      reason: allowed ? 'it is held' : actor.token !== null ? byToken : actor.kind === 'user' ? 'none of your roles allows it' : reasonOf(caller, permission),
      grantedBy: ['operator', ...granters.map(({ reference }) => reference)],
      granters,
    };
  });
}

const byToken = 'no role of its owner allows it, or `actions` of the issuer of its token does not include it';

function reasonOf(caller: Caller | null, permission: Permission): string {
  if (caller === null) return 'the session does not hold it';
  if (caller.held === null || !covers(caller.held, permission)) return "the key's actions do not include it";
  return `no role of ${caller.owner === null ? 'its owner' : `the ${nouns[caller.owner.kind].title} ${caller.owner.id}`} allows it`;
}

interface Giver {
  readonly who: Reference;
  readonly name: string;
  readonly held: readonly string[];
}

/** Users and service accounts who may give what they hold: roles to others, or keys. */
async function listGivers({ registry, organizationId, mcpActions }: ControlContext): Promise<readonly Giver[]> {
  const page = { text: null, sort: 'name', descending: false, after: null, limit: bounds.directoryListMax } as const;
  const roles = await registry.directory.list(organizationId, { ...page, kind: 'role', links: [] });
  const giving = roles
    .map((role) => ({ role, held: permissionsOf({ id: role.id, permissions: role.names['permissions'] ?? [] }, mcpActions) }))
    .filter(({ held }) => covers(held, 'people.write') || covers(held, 'keys.write'));
  const givers = await Promise.all(
    giving.flatMap(({ role, held }) =>
      (['user', 'service_account'] as const).map(async (kind) => {
        const found = await registry.directory.list(organizationId, {
          ...page,
          kind,
          links: [{ member: 'role_ids', to: { kind: 'role', id: role.id } }],
          limit: bounds.capabilityGrantersMax,
        });
        return found.map(({ id, name }): Giver => ({ who: { kind, id }, name, held }));
      }),
    ),
  );
  return givers.flat();
}
