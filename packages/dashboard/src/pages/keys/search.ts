import { z } from 'zod/mini';

export const keysSearch = {
  find: z.catch(z.optional(z.string().check(z.maxLength(100))), undefined),
  /** Made so many days ago, and not used since. */
  unused: z.catch(z.optional(z.enum(['30', '90', '365'])), undefined),
  status: z.catch(z.optional(z.enum(['active', 'expired', 'revoked'])), undefined),
  key: z.catch(z.optional(z.string().check(z.regex(/^key_\w+$/))), undefined),
};
