import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { pathToWrite, writeDownload } from './download-file.ts';
import { openGatewayClient } from './gateway-client.ts';
import { callQuestion } from './log-question.ts';
import { plain } from './output.ts';

const pollMs = { first: 100, last: 2_000 };

export const logsExport: Command = async (context) => {
  const {
    arguments: [file],
    options,
    out,
    cwd,
  } = context;
  const path = pathToWrite(file, cwd);
  const client = openGatewayClient(context);
  const columns = options.text('columns');
  const body = { ...callQuestion(options, Date.now()), format: options.text('format') ?? 'csv', ...(columns !== undefined && { columns: columns.split(',') }) };
  let { export: job } = readAnswer(answers.logExport, await client.request('POST', '/v1/logs/export', { body }), client.where);
  for (let wait = pollMs.first; job.state === 'running'; wait = Math.min(wait * 2, pollMs.last)) {
    await pause(wait);
    ({ export: job } = readAnswer(answers.logExport, await client.request('GET', `/v1/logs/exports/${job.id}`), client.where));
  }
  if (job.state !== 'done') throw new Fault('unavailable', { reason: plain(job.reason ?? 'the export failed') });
  await writeDownload(await client.download(`/v1/logs/exports/${job.id}/file`, {}), path);
  out.note(`${job.rows} calls${path === null ? '' : ` written to ${file}`}${job.truncated ? '; there are more, ask for less time' : ''}.`);
  return undefined;
};
