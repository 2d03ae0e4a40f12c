/** The lists of the directory, as addresses name them. */
export const kinds = ['users', 'teams', 'roles', 'service-accounts', 'agents', 'projects', 'departments'] as const;
export type Kind = (typeof kinds)[number];
