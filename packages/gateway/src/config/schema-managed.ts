/** `managed_by_api` of gateway.yaml: what objects that are made while the gateway runs may take from the machine it runs on. */
import { z } from 'zod';
import { list, section, strict, text } from './schema-parts.ts';

const nameError = 'must be a name, in which * stands for any text';
const name = text(/^[A-Za-z0-9_.*-]{1,255}$/, nameError);
const pathError = 'must be the absolute path of a file, in which * stands for any text';

export const managedByApiSchema = section(
  strict({
    env: list(name, 1000).meta({
      description:
        'Environment variables of the gateway that they may take secrets from. Whoever may make a server can have such a secret sent to an address of their choice.',
      examples: [['SEARCH_TOKEN', 'MCP_SECRET_*']],
    }),
    files: list(text(/^\/(?!.*\/\.\.?(?:\/|$)).{0,4094}$/, pathError), 1000).meta({
      description: 'Files that they may take secrets and certificates from.',
      examples: [['/run/secrets/mcp-*']],
    }),
    kubernetes: list(name, 1000).meta({ description: 'Kubernetes Secrets that they may take secrets from.', examples: [['mcp-*']] }),
    commands: list(
      z
        .array(z.string({ error: 'must be text; quote it' }).min(1).max(4096), { error: 'must be a list: the program and the arguments it must begin with' })
        .min(1, { error: 'must name a program' })
        .max(256),
      100,
    ).meta({
      description: 'Programs that they may run: a command is allowed that begins as one of these. Without one a server on stdio can be written here only.',
      examples: [[['npx', '-y', '@modelcontextprotocol/server-everything']]],
    }),
  }),
);

export type ManagedByApiEntry = z.output<typeof managedByApiSchema>;
