import { auditQuery } from './audit-list.ts';
import type { Command } from './command.ts';
import { pathToWrite, writeDownload } from './download-file.ts';
import { openGatewayClient } from './gateway-client.ts';

export const auditExport: Command = async (context) => {
  const {
    arguments: [file],
    options,
    out,
    cwd,
  } = context;
  const path = pathToWrite(file, cwd);
  const client = openGatewayClient(context);
  const answer = await client.download('/v1/audit/export', {
    ...auditQuery(options, Date.now()),
    format: options.text('format') ?? 'proof',
    calls: options.text('calls'),
  });
  await writeDownload(answer, path);
  if (path !== null) out.note(`Written to ${file}.`);
  return undefined;
};
