import { auditQuery } from './audit-list.ts';
import type { Command } from './command.ts';
import { downloadTo } from './download-file.ts';

export const auditExport: Command = async (context) => {
  const { options } = context;
  await downloadTo(context, context.arguments[0], '/v1/audit/export', {
    ...auditQuery(options, Date.now()),
    format: options.text('format') ?? 'proof',
    calls: options.text('calls'),
  });
  return undefined;
};
