/** Who and what an organization has, as the pages of people say it: one row a noun, in the words of the API. */
import type { GatewayOps, Schemas } from '@gatewayops/sdk';
import { queryOptions } from '@tanstack/react-query';
import { gateway } from '../../app/gateway.ts';
import type { Seen } from '../../ui/changed-meanwhile.tsx';
import { whoText } from '../../ui/who.tsx';
import { kinds, type Kind } from './kinds.ts';

type SwitchKind = Schemas['Switch']['kind'];
type TextMember = 'email' | 'description' | 'purpose' | 'environment';
export type LinkMember = 'team_ids' | 'role_ids' | 'team_id' | 'department_id' | 'project_id';

/** One of any kind: the members that its kind does not have are absent. */
export interface Entry {
  readonly id: string;
  readonly name: string;
  readonly email?: string | null;
  readonly description?: string | null;
  readonly purpose?: string | null;
  readonly environment?: string | null;
  readonly team_ids?: readonly string[];
  readonly role_ids?: readonly string[];
  readonly team_id?: string | null;
  readonly department_id?: string | null;
  readonly project_id?: string | null;
  /** `user:usr_ana`. */
  readonly owner?: string | null;
  readonly permissions?: readonly string[];
  readonly status?: 'active' | 'disabled';
  readonly built_in?: boolean;
  readonly first_seen?: string | null;
  readonly last_seen?: string | null;
  readonly version: number;
  readonly created_at: string;
  readonly created_by: string;
  readonly created_by_name: string | null;
  readonly changed_at: string;
  readonly changed_by: string;
  readonly changed_by_name: string | null;
}

export interface Noun {
  readonly title: string;
  readonly titles: string;
  /** What is said where there is none. */
  readonly about: string;
  /** Of answers of the API. */
  readonly member: string;
  readonly members: string;
  readonly command: string;
  readonly permission: 'people' | 'roles';
  /** Null: it cannot be switched off. */
  readonly switchKind: SwitchKind | null;
  readonly texts: readonly TextMember[];
  readonly links: readonly LinkMember[];
  /** The filter of keys that names it, and the field of queries. */
  readonly keyFilter: 'user_id' | 'service_account_id' | 'agent' | 'team_id' | 'project_id' | null;
  readonly queryField: 'user' | 'agent' | 'team' | 'project' | null;
}

export const nouns: Readonly<Record<Kind, Noun>> = {
  users: {
    title: 'user',
    titles: 'Users',
    about: 'Users are the people that agents act for. They are invited, provisioned by an identity provider, or created here.',
    member: 'user',
    members: 'users',
    command: 'users create "Ana Ardent" --email ana@example.com',
    permission: 'people',
    switchKind: 'user',
    texts: ['email'],
    links: ['role_ids', 'team_ids'],
    keyFilter: 'user_id',
    queryField: 'user',
  },
  teams: {
    title: 'team',
    titles: 'Teams',
    about: 'People and programs that work together. Rules can name teams, and costs are broken down by team.',
    member: 'team',
    members: 'teams',
    command: 'teams create Payments --id payments',
    permission: 'people',
    switchKind: 'team',
    texts: ['description'],
    links: ['department_id'],
    keyFilter: 'team_id',
    queryField: 'team',
  },
  roles: {
    title: 'role',
    titles: 'Roles',
    about: 'What users, service accounts and keys may do.',
    member: 'role',
    members: 'roles',
    command: 'roles create "Cost reader" --permission "costs.*"',
    permission: 'roles',
    switchKind: null,
    texts: ['description'],
    links: [],
    keyFilter: null,
    queryField: null,
  },
  'service-accounts': {
    title: 'service account',
    titles: 'Service accounts',
    about: 'Programs that call on their own behalf.',
    member: 'service_account',
    members: 'service_accounts',
    command: 'service-accounts create "Nightly reports" --id reports',
    permission: 'people',
    switchKind: 'service_account',
    texts: ['description'],
    links: ['role_ids', 'team_id'],
    keyFilter: 'service_account_id',
    queryField: null,
  },
  agents: {
    title: 'agent',
    titles: 'Agents',
    about: 'The catalogue of agents: what each one does and who owns it.',
    member: 'agent',
    members: 'agents',
    command: 'agents create ci-bot --owner team:payments',
    permission: 'people',
    switchKind: 'agent',
    texts: ['purpose', 'environment'],
    links: ['team_id', 'project_id'],
    keyFilter: 'agent',
    queryField: 'agent',
  },
  projects: {
    title: 'project',
    titles: 'Projects',
    about: 'What calls are made for; costs are broken down by project.',
    member: 'project',
    members: 'projects',
    command: 'projects create Billing --team payments',
    permission: 'people',
    switchKind: 'project',
    texts: ['description'],
    links: ['team_id'],
    keyFilter: 'project_id',
    queryField: 'project',
  },
  departments: {
    title: 'department',
    titles: 'Departments',
    about: 'Parts of the organization that teams belong to.',
    member: 'department',
    members: 'departments',
    command: 'departments create Engineering --id eng',
    permission: 'people',
    switchKind: 'department',
    texts: ['description'],
    links: [],
    keyFilter: null,
    queryField: null,
  },
};

export const memberTitles: Readonly<Record<TextMember | LinkMember | 'name' | 'permissions' | 'owner', string>> = {
  name: 'Name',
  permissions: 'Permissions',
  owner: 'Owner',
  email: 'E-mail',
  description: 'Description',
  purpose: 'Purpose',
  environment: 'Environment',
  team_ids: 'Teams',
  role_ids: 'Roles',
  team_id: 'Team',
  department_id: 'Department',
  project_id: 'Project',
};

/** Whither a link leads. */
export const linkKinds: Readonly<Record<LinkMember, Kind>> = {
  team_ids: 'teams',
  role_ids: 'roles',
  team_id: 'teams',
  department_id: 'departments',
  project_id: 'projects',
};

/** `user:usr_ana` of rules, switches and owners, as a page: null where there is none. */
export function placeOf(reference: string): { readonly kind: Kind; readonly id: string } | null {
  const [member, ...rest] = reference.split(':');
  const kind = kinds.find((one) => nouns[one].member === member);
  return kind === undefined || rest.length === 0 ? null : { kind, id: rest.join(':') };
}

/** They are all asked alike: one of them stands for all. */
type AnyNoun = GatewayOps['teams'];
const resources = {
  users: gateway.users,
  teams: gateway.teams,
  roles: gateway.roles,
  'service-accounts': gateway.serviceAccounts,
  agents: gateway.agents,
  projects: gateway.projects,
  departments: gateway.departments,
} as unknown as Readonly<Record<Kind, AnyNoun>>;

export interface EntryFilter {
  readonly q?: string;
  readonly team_id?: string;
  readonly role_id?: string;
  readonly department_id?: string;
  readonly owner?: string;
  readonly sort?: 'name' | '-name' | 'created_at' | '-created_at';
}

export interface EntryPage {
  readonly entries: readonly Entry[];
  readonly cursor: string | null;
}

export async function listEntries(kind: Kind, filter: EntryFilter, limit: number, cursor: string | undefined, signal: AbortSignal): Promise<EntryPage> {
  const page = (await resources[kind].list({ ...filter, limit }, { signal }).page(cursor)) as unknown as Readonly<Record<string, readonly Entry[]>> & {
    readonly cursor: string | null;
  };
  return { entries: page[nouns[kind].members] ?? [], cursor: page.cursor };
}

export const entryQuery = (kind: Kind, id: string) =>
  queryOptions({
    queryKey: ['people', kind, 'one', id],
    queryFn: async ({ signal }) => oneOf(kind, await resources[kind].get(id, { signal })),
    refetchInterval: 15_000,
  });

/** What is changed; null takes a text or a tie away. */
export type EntryChange = Partial<Record<TextMember | LinkMember | 'name' | 'permissions' | 'owner', string | readonly string[] | null>>;

export async function createEntry(kind: Kind, written: EntryChange & { readonly name: string; readonly id?: string }): Promise<Entry> {
  return oneOf(kind, await resources[kind].create(written as Parameters<AnyNoun['create']>[0]));
}

/** One as it is now, for whoever changes those members of it. */
export async function readEntry(kind: Kind, id: string, membersOf: (entry: Entry) => EntryChange): Promise<Seen<EntryChange>> {
  const entry = oneOf(kind, await resources[kind].get(id));
  return { version: entry.version, fields: membersOf(entry), by: whoText(entry.changed_by, entry.changed_by_name) };
}

/** Refused where somebody else has changed it since it was read. */
export async function updateEntry(kind: Kind, { id, version }: Pick<Entry, 'id' | 'version'>, change: EntryChange): Promise<Entry> {
  return oneOf(kind, await resources[kind].update(id, change as Parameters<AnyNoun['update']>[1], { ifMatch: `"${version}"` }));
}

/** The ids of the keys that go with it. `dryRun`: would go. */
export async function deleteEntry(kind: Kind, { id, version }: Pick<Entry, 'id' | 'version'>, dryRun: boolean): Promise<readonly string[]> {
  return (await resources[kind].delete(id, { ifMatch: `"${version}"`, revokeKeys: true, dryRun })).revoked_keys;
}

function oneOf(kind: Kind, answer: object): Entry {
  const entry = (answer as Readonly<Record<string, Entry | undefined>>)[nouns[kind].member];
  if (entry === undefined) throw new TypeError('an answer holds what was asked for');
  return entry;
}

const namesMax = 1000;

/** Those that can be tied to, by name; ids of those beyond the first thousand stay ids. */
export const namesQuery = (kind: Kind) =>
  queryOptions({
    queryKey: ['people', kind, 'names'],
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, Entry>> => {
      const all = new Map<string, Entry>();
      for (let cursor: string | undefined; all.size < namesMax;) {
        const page = await listEntries(kind, {}, 200, cursor, signal);
        for (const entry of page.entries) all.set(entry.id, entry);
        if (page.cursor === null) break;
        cursor = page.cursor;
      }
      return all;
    },
    staleTime: 60_000,
  });
