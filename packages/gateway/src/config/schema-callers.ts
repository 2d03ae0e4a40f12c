/** What whoever vouches for callers or people says of them in gateway.yaml: whose they are, who of the directory, and the most that they may do. */
import { z } from 'zod';
import { entryIdPattern } from '../kernel/directory.ts';
import { actionPatterns, serverName, text } from './schema-parts.ts';

export const entryId = text(entryIdPattern, 'must be an id of the directory');

/** `whose`: what of the organization it is about. */
export function organizationOf(whose: string) {
  return text(/^org_[A-Za-z0-9][A-Za-z0-9_-]{0,58}$/, 'must be the id of an organization, such as org_acme')
    .default('org_default')
    .meta({ description: `Id of the organization whose ${whose}.`, examples: ['org_acme'] });
}

/** One of them names the caller. */
export const callerEntry = {
  user: entryId.optional().meta({ description: 'Id of the user that it is.', examples: ['usr_ana'] }),
  service_account: entryId.optional().meta({ description: 'Id of the service account that it is.', examples: ['sva_indexer'] }),
  agent: entryId.optional().meta({ description: 'Id of the agent that it is.', examples: ['agt_reviewer'] }),
};

export function mostOf(who: 'issuer' | 'authority') {
  return {
    actions: actionPatterns.meta({
      description: `The most that callers of this ${who} may do, whatever their roles. Default: every MCP operation.`,
      examples: [['tools.call', 'tools.list']],
    }),
    servers: z
      .array(serverName, { error: 'must be a list of servers' })
      .min(1, { error: 'must name a server, or be left out' })
      .max(1000)
      .optional()
      .meta({ description: `Servers that callers of this ${who} may reach. Default: all.`, examples: [['search']] }),
  };
}
