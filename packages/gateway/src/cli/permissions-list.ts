import { z } from 'zod';
import { readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { table } from './table.ts';

const permission = z.looseObject({ name: z.string(), kind: z.string(), description: z.string() });

export const permissionsList: Command = async (context) => {
  const { options, out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/permissions', {
    query: { q: options.text('search'), kind: options.text('kind'), sort: options.text('sort') },
  });
  const { permissions } = readAnswer(z.looseObject({ permissions: z.array(permission) }), answer, client.where);
  out.list(answer, permissions, () =>
    table(
      [{ title: 'NAME' }, { title: 'OF' }, { title: 'WHAT' }],
      permissions.map(({ name, kind, description }) => [plain(name), plain(kind), plain(description, 100)]),
      out.paint.dim,
    ),
  );
  return undefined;
};
