import { resolve } from 'node:path';
import { resolveSecret } from '../config/read-secret.ts';
import { Fault } from '../kernel/fault.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';

const marks = { pass: '✓', fail: '✗', not_reached: '·' } as const;

export const identityCheck: Command = async (context) => {
  const { options, cwd, env, out } = context;
  const [, kind, place = ''] = /^(env|file):(.{1,4096})$/.exec(options.text('token') ?? '') ?? [];
  // What is written there may be the token itself, so it is not repeated.
  if (kind === undefined) throw new Fault('usage', { reason: '--token names the place of the token, never the token itself: env:NAME or file:PATH.' });
  const token = resolveSecret(kind === 'env' ? { env: place } : { file: resolve(cwd, place) }, env, '--token').trim();
  const client = openGatewayClient(context);
  const answer = await client.request('POST', '/v1/identity/check', { body: { token } });
  const { check } = readAnswer(answers.tokenCheck, answer, client.where);
  const { outcome, failed, issuer, caller, steps } = check;
  out.result(check, () =>
    [
      outcome === 'taken' ? '✓ the token is taken' : outcome === 'refused' ? '⊘ the token is refused' : 'nobody can tell now',
      ...(issuer === null ? [] : [`issuer  ${plain(issuer)}`]),
      ...(caller === null
        ? []
        : [
            `caller  ${plain(caller.kind.replace('_', ' '))} ${caller.id === null ? '(not in the directory yet)' : plain(caller.id)}${caller.email === null ? '' : `, ${plain(caller.email)}${caller.email_verified ? '' : ' (not verified)'}`}`,
            `groups  ${caller.groups.length === 0 ? 'none' : caller.groups.map(plain).join(', ')}`,
          ]),
      '',
      ...steps.map((one) => `  ${marks[one.outcome]} ${plain(one.step)}`),
      ...(failed === null ? [] : ['', `${plain(failed.step)}: ${plain(failed.reason)}.`, `Fix: ${plain(failed.fix)}`]),
    ].join('\n'),
  );
  return outcome === 'taken' ? undefined : 1;
};
