import type { Command } from './command.ts';
import { downloadTo } from './download-file.ts';

export const exportConfiguration: Command = async (context) => {
  await downloadTo(context, context.arguments[0], '/v1/config/export', {});
  return undefined;
};
