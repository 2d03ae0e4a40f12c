import { z } from 'zod/mini';
import { kinds } from './kinds.ts';

const id = z.catch(z.optional(z.string().check(z.maxLength(160))), undefined);

/** What the address of the lists says: whose list it is, and what it is narrowed to. */
export const peopleSearch = {
  kind: z.catch(z.optional(z.enum([...kinds, 'invitations', 'unregistered'])), undefined),
  find: z.catch(z.optional(z.string().check(z.maxLength(100))), undefined),
  team: id,
  role: id,
};
