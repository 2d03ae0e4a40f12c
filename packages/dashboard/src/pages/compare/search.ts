import { z } from 'zod/mini';

const traceId = z.catch(z.optional(z.string().check(z.regex(/^tr_[0-9a-f]+$/))), undefined);

/** Which two traces, and which pair of their calls is looked at. */
export const compareSearch = { a: traceId, b: traceId, pair: z.catch(z.optional(z.string().check(z.regex(/^\d{1,4}$/))), undefined) };
