import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, CommandContext, OptionValues } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { serverText } from './server-text.ts';

export const serversSet: Command = async (context) => {
  const {
    arguments: [name = ''],
    options,
  } = context;
  return changeServer(context, name, changeOf(options));
};

/** Asks for the change and shows the server as it is then, or would be. */
export async function changeServer(context: CommandContext, name: string, change: Readonly<Record<string, unknown>>): Promise<undefined> {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const dryRun = options.on('dry-run');
  const answer = await client.request('PATCH', `/v1/servers/${encodeURIComponent(name)}`, { query: dryRun ? { dry_run: 'true' } : {}, body: change });
  const { server } = readAnswer(answers.server, answer, client.where);
  out.result(server, () => `${dryRun ? 'It would be:' : '✓ It is now:'}\n${serverText(server, out.paint)}`);
  return undefined;
}

function changeOf(options: OptionValues): Readonly<Record<string, unknown>> {
  const reset = options.on('reset');
  const active = options.text('active');
  const target = options.text('canary');
  const share = options.text('share');
  const header = options.text('header');
  const principals = options.list('principal');
  const canary = {
    ...(target === undefined ? {} : { target }),
    ...(share === undefined ? {} : { share: shareOf(share) }),
    ...(header === undefined ? {} : { header: header === 'none' ? null : headerOf(header) }),
    ...(principals.length === 0 ? {} : { principals: principals.length === 1 && principals[0] === 'none' ? [] : principals }),
  };
  const change = {
    ...(active === undefined ? {} : { active }),
    ...(Object.keys(canary).length === 0 ? {} : { canary }),
  };
  if (reset && Object.keys(change).length > 0)
    throw new Fault('usage', { reason: 'Give --reset alone: it takes back what was asked of active target and canary.' });
  if (reset) return { active: null, canary: null };
  if (Object.keys(change).length === 0)
    throw new Fault('usage', { reason: 'Say what is to change: --active, --canary, --share, --header, --principal or --reset.' });
  return change;
}

function shareOf(text: string): number {
  const share = Number(text);
  if (text.trim() === '' || !(share >= 0 && share <= 100)) throw new Fault('usage', { reason: '--share must be a number from 0 to 100.' });
  return share;
}

function headerOf(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1) throw new Fault('usage', { reason: '--header must be NAME=VALUE, such as x-canary=yes, or none.' });
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
