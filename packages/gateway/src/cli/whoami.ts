import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { table } from './table.ts';

const cellCharsMax = 60;
const me = z.looseObject({ kind: z.string(), id: z.string(), organization_id: z.string(), owner: z.string().nullable() });
const capability = z.looseObject({ permission: z.string(), allowed: z.boolean(), reason: z.string(), granted_by: z.array(z.string()) });

export const whoami: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const caller = readAnswer(me, await client.request('GET', '/v1/me'), client.where);
  const { capabilities } = readAnswer(z.looseObject({ capabilities: z.array(capability) }), await client.request('GET', '/v1/me/capabilities'), client.where);
  const owner = caller.owner === null ? '' : ` of ${plain(caller.owner)}`;
  out.result({ ...caller, capabilities }, () =>
    [
      `${plain(caller.kind)} ${plain(caller.id)}${owner}, in ${plain(caller.organization_id)}`,
      table(
        [{ title: '' }, { title: 'PERMISSION' }, { title: 'WHY' }, { title: 'GRANTED BY' }],
        capabilities.map(({ permission, allowed, reason, granted_by: granters }) => [
          allowed ? out.paint.green('✓') : out.paint.dim('⊘'),
          plain(permission),
          plain(reason, cellCharsMax),
          allowed ? '' : plain(granters.join(' '), cellCharsMax),
        ]),
        out.paint.dim,
      ),
    ].join('\n'),
  );
  return undefined;
};
