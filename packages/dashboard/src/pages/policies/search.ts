import { z } from 'zod/mini';

export const policiesSearch = {
  find: z.catch(z.optional(z.string().check(z.maxLength(100))), undefined),
  effect: z.catch(z.optional(z.enum(['allow', 'deny', 'hold'])), undefined),
  rule: z.catch(z.optional(z.string().check(z.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/))), undefined),
};
