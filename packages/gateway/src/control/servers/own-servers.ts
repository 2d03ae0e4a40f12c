import type { ServerConfig } from '../../config/config.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import type { ControlContext } from '../context.ts';

/** The servers that are offered to the organization: to it no others are there. */
export function ownServers({ config, organizationId }: Pick<ControlContext, 'config' | 'organizationId'>): readonly ServerConfig[] {
  return config.servers.filter(({ organizations = [defaultOrganizationId] }) => organizations.includes('*') || organizations.includes(organizationId));
}
