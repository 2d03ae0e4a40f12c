import { z } from 'zod/mini';

export const settingsParts = ['data', 'masking', 'export', 'configuration', 'appearance', 'about'] as const;
export type SettingsPart = (typeof settingsParts)[number];

export const settingsSearch = {
  part: z.catch(z.optional(z.enum(settingsParts)), undefined),
  find: z.catch(z.optional(z.string().check(z.maxLength(100))), undefined),
};
