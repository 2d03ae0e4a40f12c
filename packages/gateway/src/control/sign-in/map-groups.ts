import type { Reference } from '../../kernel/directory.ts';
import type { GroupMapping } from '../../identity/verified-identity.ts';

/** Links of a user, as the directory has them. */
export type UserLinks = Readonly<Record<string, readonly Reference[]>>;

export interface MappedLinks {
  readonly teams: readonly string[];
  readonly roles: readonly string[];
}

/**
 * What somebody with these groups has of what they had: of the teams and roles that the mapping names anywhere, those that their groups give and no
 * others; all that it does not name stays as it is.
 */
export function mapGroups(mapping: readonly GroupMapping[], groups: readonly string[], before: MappedLinks): MappedLinks {
  const held = new Set(groups);
  const given = mapping.filter(({ group }) => held.has(group));
  return {
    teams: mapped(before.teams, namedIn(mapping, 'teamIds'), namedIn(given, 'teamIds')),
    roles: mapped(before.roles, namedIn(mapping, 'roleIds'), namedIn(given, 'roleIds')),
  };
}

/** The ids that a link of a user names. */
export function linkedIds(links: UserLinks, member: 'team_ids' | 'role_ids'): readonly string[] {
  return (links[member] ?? []).map(({ id }) => id);
}

function namedIn(mapping: readonly GroupMapping[], member: 'teamIds' | 'roleIds'): ReadonlySet<string> {
  return new Set(mapping.flatMap((row) => row[member]));
}

function mapped(before: readonly string[], named: ReadonlySet<string>, given: ReadonlySet<string>): readonly string[] {
  return [...new Set([...before.filter((id) => !named.has(id)), ...given])].sort();
}
