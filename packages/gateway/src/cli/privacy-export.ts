import type { Command } from './command.ts';
import { downloadTo } from './download-file.ts';

export const privacyExport: Command = async (context) => {
  const [user, file] = context.arguments;
  await downloadTo(context, file, '/v1/privacy/export', { user_id: user });
  return undefined;
};
