import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { countText } from './say.ts';

const pollMs = { first: 200, last: 5_000 };

export const privacyErase: Command = async (context) => {
  const {
    arguments: [user],
    options,
    out,
  } = context;
  if (!options.on('yes'))
    throw new Fault('usage', {
      reason: `Give --yes: what is erased cannot be brought back. \`gateway privacy export ${user ?? 'USER'}\` shows what there is.`,
    });
  const client = openGatewayClient(context);
  const { erasure: begun } = readAnswer(answers.erasure, await client.request('POST', '/v1/privacy/erasures', { body: { user_id: user } }), client.where);
  out.note(`${plain(begun.person)} stands for the person from now on; ${countText(begun.keys.length, 'key')} ended.`);
  for (let wait = pollMs.first; ; wait = Math.min(wait * 2, pollMs.last)) {
    const { erasures } = readAnswer(answers.erasures, await client.request('GET', '/v1/privacy/erasures'), client.where);
    const erasure = erasures.find(({ person }) => person === begun.person);
    if (erasure?.finished_at) {
      out.result({ erasure }, () => '✓ Erased. `gateway audit verify` says that the audit is whole.');
      return undefined;
    }
    await pause(wait);
  }
};
