import { z } from 'zod/mini';

/** What the address of Sign-in says: the try that is looked at, and whose refusals are. */
export const identitySearch = {
  try: z.catch(z.optional(z.string().check(z.regex(/^try_[0-9A-Za-z]{43}$/))), undefined),
  provider: z.catch(z.optional(z.string().check(z.maxLength(63))), undefined),
  errors: z.catch(z.optional(z.string().check(z.maxLength(63))), undefined),
};
