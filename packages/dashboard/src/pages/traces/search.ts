import { z } from 'zod/mini';

/** What the address of Traces says: the query, the saved view that it began as, the trace that is looked at beside the list, whether calls are followed, columns. */
export const tracesSearch = {
  q: z.catch(z.optional(z.string().check(z.maxLength(4000))), undefined),
  view: z.catch(z.optional(z.string().check(z.regex(/^view_[0-9A-Za-z]{1,40}$/))), undefined),
  peek: z.catch(z.optional(z.string().check(z.regex(/^tr_[0-9a-f]+$/))), undefined),
  live: z.catch(z.optional(z.literal('1')), undefined),
  cols: z.catch(z.optional(z.string().check(z.regex(/^[a-z,_]{1,200}$/))), undefined),
};
