import type { Command } from './command.ts';
import { pathToWrite, writeDownload } from './download-file.ts';
import { openGatewayClient } from './gateway-client.ts';

export const exportConfiguration: Command = async (context) => {
  const {
    arguments: [file],
    out,
    cwd,
  } = context;
  const path = pathToWrite(file, cwd);
  await writeDownload(await openGatewayClient(context).download('/v1/config/export', {}), path);
  if (path !== null) out.note(`Written to ${file}.`);
  return undefined;
};
