import type { Command } from './command.ts';
import { pathToWrite, writeDownload } from './download-file.ts';
import { openGatewayClient } from './gateway-client.ts';

export const privacyExport: Command = async (context) => {
  const {
    arguments: [user, file],
    out,
    cwd,
  } = context;
  const path = pathToWrite(file, cwd);
  await writeDownload(await openGatewayClient(context).download('/v1/privacy/export', { user_id: user }), path);
  if (path !== null) out.note(`Written to ${file}.`);
  return undefined;
};
