import { z } from 'zod/mini';

const text = (charsMax: number) => z.catch(z.optional(z.string().check(z.maxLength(charsMax))), undefined);

/** What the address of Check access says: the whole question, so that a link to it is the answer too. */
export const accessSearch = {
  /** `user:usr_ana`, an address, `key_…`. */
  as: text(320),
  server: text(63),
  kind: z.catch(z.optional(z.enum(['tool', 'resource', 'prompt'])), undefined),
  name: text(1024),
  /** JSON. */
  arguments: text(4000),
  ip: text(45),
};
