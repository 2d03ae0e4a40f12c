import { z } from 'zod/mini';

export const serversSearch = {
  find: z.catch(z.optional(z.string().check(z.maxLength(100))), undefined),
};
