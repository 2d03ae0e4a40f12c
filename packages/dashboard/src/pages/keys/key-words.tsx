import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { Ago } from '../../time/time.tsx';

export type Key = Schemas['Key'];

const soonMs = 14 * 86_400_000;

/** Whom its calls are counted for. */
export function ownerText({ metadata }: Key): string {
  const { user_id: user, service_account_id: account, agent, team_id: team, project_id: project } = metadata;
  return [user ?? account ?? agent, team, project].filter((text) => text !== undefined && text !== '').join(' · ');
}

/** `2 servers · tools.call`, `everything`. */
export function scopeText({ scopes: { mcp_servers: servers, actions } }: Key): string {
  return `${serversText(servers)} · ${actions === null ? 'every MCP operation' : permissionsText(actions)}`;
}

/** The same where there is less room: what a key may do that says nothing else is not said. */
export function reachText({ scopes: { mcp_servers: servers, actions } }: Key): string {
  return `${serversText(servers)}${actions === null ? '' : ` · ${permissionsText(actions)}`}`;
}

function serversText(servers: readonly string[] | null): string {
  return servers === null ? 'every server' : servers.length <= 2 ? servers.join(', ') : `${servers.length} servers`;
}

function permissionsText(permissions: readonly string[]): string {
  if (permissions.includes('*')) return 'every permission';
  return permissions.length <= 2 ? permissions.join(', ') : `${permissions.length} permissions`;
}

export function KeyState({ keyOf: { status, expires_at: ends }, now }: { readonly keyOf: Key; readonly now: number }): ReactElement {
  if (status === 'revoked') return <span className="text-ink-3 line-through">revoked</span>;
  if (status === 'expired') return <span className="text-ink-3">expired</span>;
  if (ends !== null && Date.parse(ends) - now < soonMs)
    return (
      <span className="text-warn">
        ▲ ends <Ago time={ends} now={now} />
      </span>
    );
  return <span className="text-ink-2">active</span>;
}
