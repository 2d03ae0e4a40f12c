/**
 * Who and what an organization has, once: the table that the registry's checks, the verbs, the routes of the API and the commands of the
 * command line are made of. To add a noun, add a row.
 */

export const nounKinds = ['department', 'team', 'project', 'user', 'service_account', 'agent', 'role'] as const;
export type NounKind = (typeof nounKinds)[number];

/** One thing in the directory: ids are unique among those of a kind. */
export interface Reference {
  readonly kind: NounKind;
  readonly id: string;
}

/** Free text that a noun has beside its name. */
export interface TextMember {
  readonly charsMax: number;
  readonly about: string;
  readonly example: string;
}

/** Names of what the program knows, several of them. */
export interface NamesMember {
  readonly itemsMax: number;
  readonly about: string;
  readonly example: readonly string[];
}

/** Others that a noun is tied to, of one of the kinds. */
export interface LinkMember {
  readonly to: readonly NounKind[];
  /** False: one at most. */
  readonly many: boolean;
  /** What rules say of the other holds for this one too. */
  readonly inherits: boolean;
  readonly about: string;
}

export interface Noun {
  /** As in paths and commands. */
  readonly plural: string;
  /** In words. */
  readonly title: string;
  /** Of the schema of the API. */
  readonly schema: string;
  /** Of ids that the gateway makes. */
  readonly idPrefix: string;
  readonly about: string;
  /** By the member's name, which is that of the API. */
  readonly texts: Readonly<Record<string, TextMember>>;
  readonly names: Readonly<Record<string, NamesMember>>;
  readonly links: Readonly<Record<string, LinkMember>>;
  /** Whose permissions its routes take: `people.read` and `people.write`, or those of roles. */
  readonly permission: 'people' | 'roles';
  /** Whether it can be switched off. */
  readonly hasStatus: boolean;
  /** The text by which no two of the kind may be the same, in any letter case. */
  readonly unique: 'name' | 'email';
  /** The members of a key's metadata that name one. */
  readonly keyMembers: readonly string[];
}

const description: TextMember = { charsMax: 500, about: 'What it is for.', example: 'Takes and makes payments.' };

const plainNoun = { names: {}, permission: 'people', hasStatus: true } as const;

const role_ids: LinkMember = {
  to: ['role'],
  many: true,
  inherits: true,
  about: 'A role: together they say what it may do at most, whatever its keys hold.',
};

export const nouns: Readonly<Record<NounKind, Noun>> = {
  department: {
    plural: 'departments',
    ...plainNoun,
    title: 'department',
    schema: 'Department',
    idPrefix: 'dep',
    about: 'Departments, which teams belong to',
    texts: { description },
    links: {},
    unique: 'name',
    keyMembers: [],
  },
  team: {
    plural: 'teams',
    ...plainNoun,
    title: 'team',
    schema: 'Team',
    idPrefix: 'team',
    about: 'The teams that callers belong to',
    texts: { description },
    links: { department_id: { to: ['department'], many: false, inherits: true, about: 'The department that it belongs to.' } },
    unique: 'name',
    keyMembers: ['team_id'],
  },
  project: {
    plural: 'projects',
    ...plainNoun,
    title: 'project',
    schema: 'Project',
    idPrefix: 'proj',
    about: 'What calls are made for',
    texts: { description },
    links: { team_id: { to: ['team'], many: false, inherits: true, about: 'The team that works on it.' } },
    unique: 'name',
    keyMembers: ['project_id', 'project'],
  },
  user: {
    plural: 'users',
    ...plainNoun,
    title: 'user',
    schema: 'User',
    idPrefix: 'usr',
    about: 'The people that callers act for',
    texts: { email: { charsMax: 254, about: 'No two users have the same.', example: 'ana@example.com' } },
    links: { team_ids: { to: ['team'], many: true, inherits: true, about: 'A team that the user is a member of.' }, role_ids },
    unique: 'email',
    keyMembers: ['user_id'],
  },
  service_account: {
    plural: 'service-accounts',
    ...plainNoun,
    title: 'service account',
    schema: 'ServiceAccount',
    idPrefix: 'sva',
    about: 'Programs that call in their own name',
    texts: { description },
    links: { team_id: { to: ['team'], many: false, inherits: true, about: 'The team that runs it.' }, role_ids },
    unique: 'name',
    keyMembers: ['service_account_id'],
  },
  agent: {
    plural: 'agents',
    ...plainNoun,
    title: 'agent',
    schema: 'Agent',
    idPrefix: 'agt',
    about: 'The agents that call',
    texts: {
      purpose: { charsMax: 500, about: 'What it does, and for whom.', example: 'Reviews pull requests.' },
      environment: { charsMax: 64, about: 'Where it runs.', example: 'production' },
    },
    links: {
      owner: { to: ['user', 'service_account', 'team'], many: false, inherits: false, about: 'Who answers for it.' },
      team_id: { to: ['team'], many: false, inherits: true, about: 'The team that it works for.' },
      project_id: { to: ['project'], many: false, inherits: true, about: 'The project that it works on.' },
    },
    unique: 'name',
    keyMembers: ['agent'],
  },
  role: {
    plural: 'roles',
    title: 'role',
    schema: 'Role',
    idPrefix: 'role',
    about: 'What users, service accounts and keys may do',
    texts: { description },
    names: {
      permissions: {
        itemsMax: 200,
        about: 'MCP operations and permissions of the control API, patterns such as tools.* among them.',
        example: ['tools.call', 'traces.read'],
      },
    },
    links: {},
    permission: 'roles',
    hasStatus: false,
    unique: 'name',
    keyMembers: [],
  },
};

/** How a key's actions name a role. */
export const rolePrefix = 'role:';

/** What users and service accounts have that are made without saying so. */
export const firstRoleId = 'developer';

/** Kinds whose roles say what their keys may do at most. */
export const ownerKinds: readonly NounKind[] = ['user', 'service_account'];

/** The links by which rules are inherited. */
export const inheritedMembers: readonly string[] = [
  ...new Set(Object.values(nouns).flatMap(({ links }) => Object.entries(links).flatMap(([member, { inherits }]) => (inherits ? [member] : [])))),
];

/** Ids as keys carry them and policies name them; `*` and `:` have a meaning there. */
export const entryIdPattern = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** What a member's value is in text: an id where only one kind can stand there, else `kind:id`. */
export function referenceText({ to }: LinkMember, { kind, id }: Reference): string {
  return to.length === 1 ? id : `${kind}:${id}`;
}

/** The contrary; null where the text is neither. */
export function parseReference({ to }: LinkMember, text: string): Reference | null {
  const [only] = to;
  if (to.length === 1 && only !== undefined) return entryIdPattern.test(text) ? { kind: only, id: text } : null;
  const colon = text.indexOf(':');
  const kind = to.find((one) => one === text.slice(0, colon));
  const id = text.slice(colon + 1);
  return kind !== undefined && entryIdPattern.test(id) ? { kind, id } : null;
}

/** The things of the directory, registered or not, that a key's metadata names. */
export function referencesOf(metadata: Readonly<Record<string, string>>): readonly Reference[] {
  return nounKinds.flatMap((kind): Reference[] => {
    const id = nouns[kind].keyMembers.map((member) => metadata[member] ?? '').find((value) => value !== '');
    return id === undefined ? [] : [{ kind, id }];
  });
}

/** Texts that people take for the same are the same (NFKC; case), for what must be unique and what is sorted. */
export function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}
