import { z } from 'zod/mini';

export const groups = ['team', 'user', 'server', 'tool', 'agent', 'key', 'project', 'environment'] as const;
export type Group = (typeof groups)[number];

/** Costs are counted by days: a month of its own, in the place of the window of the other pages. */
export const costsSearch = {
  month: z.catch(z.optional(z.string().check(z.regex(/^20\d\d-(0[1-9]|1[0-2])$/))), undefined),
  by: z.catch(z.optional(z.enum(groups)), undefined),
};
