import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';

export const serversDrain: Command = async (context) => {
  const {
    arguments: [name = '', targetName = ''],
    options,
    out,
  } = context;
  const client = openGatewayClient(context);
  const draining = !options.on('undo');
  const path = `/v1/servers/${encodeURIComponent(name)}/targets/${encodeURIComponent(targetName)}`;
  const { target } = readAnswer(answers.target, await client.request('PATCH', path, { body: { draining } }), client.where);
  const where = `${plain(target.name)} of ${plain(name)}`;
  out.result(target, () => (draining ? `⊘ ${where} takes no new calls; ${target.in_flight} are under way on this node.` : `✓ ${where} takes calls again.`));
  return undefined;
};
