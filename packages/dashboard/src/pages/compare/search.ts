import { z } from 'zod/mini';

const traceId = z.catch(z.optional(z.string().check(z.regex(/^tr_[0-9a-f]+$/))), undefined);

/** Which two traces, which pair of their calls is looked at, and what of them is not. */
export const compareSearch = {
  a: traceId,
  b: traceId,
  pair: z.catch(z.optional(z.string().check(z.regex(/^\d{1,4}$/))), undefined),
  /** Only calls that ended differently. */
  only: z.catch(z.optional(z.literal('1')), undefined),
  /** Members of bodies that are not compared, with what is below them: `params.arguments.now,result.id`. */
  ignore: z.catch(z.optional(z.string().check(z.maxLength(1000))), undefined),
};
