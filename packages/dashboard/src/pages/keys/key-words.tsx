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
  const where = servers === null ? 'every server' : servers.length <= 2 ? servers.join(', ') : `${servers.length} servers`;
  const what = actions === null ? 'every MCP operation' : actions.length <= 2 ? actions.join(', ') : `${actions.length} permissions`;
  return `${where} · ${what}`;
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
