import { html } from 'hono/html';
import type { ControlContext } from '../../control/context.ts';
import { readHealth, type HealthReport } from '../../control/health/read-health.ts';
import type { KeyWithUsage } from '../../control/keys/get-key.ts';
import { listKeys } from '../../control/keys/list-keys.ts';
import { listServers, type ServerView } from '../../control/servers/list-servers.ts';
import { renderPage, renderRail, type Html } from './render-page.ts';

const rowsMax = 20;

/** Servers, keys and last traces of an administrator's session. */
export async function renderConsole(context: ControlContext): Promise<Html> {
  const [health, keys] = await Promise.all([readHealth(context), listKeys(context, { cursor: null, limit: rowsMax })]);
  return renderPage(
    'GatewayOps',
    '',
    html`<header class="bar">
        <span class="brand">${renderRail('', 6, 'ok')} GatewayOps</span>
        <button type="button" class="quiet" id="sign-out">Sign out</button>
      </header>
      <main>${renderStatus(health)} ${renderServers(listServers(context), context.publicUrl())} ${renderKeys(keys.keys, keys.cursor !== null)}</main>`,
  );
}

function renderStatus({ status, dependencies, servers }: HealthReport): Html {
  const unwell = [
    ...Object.entries(dependencies).filter(([, { state }]) => state !== 'ok'),
    ...Object.entries(servers).filter(([, { state }]) => state === 'failed' || state === 'starting'),
  ];
  const sentence =
    status === 'ok' ? 'All is well.' : status === 'unready' ? 'The gateway cannot serve calls.' : 'The gateway serves calls; not all of it is well.';
  return html`<h1 class="status">${sentence}</h1>
    ${
      unwell.length === 0
        ? ''
        : html`<ul class="unwell">
            ${unwell.map(([name, { state, reason }]) => html`<li>${renderState(state)} <b>${name}</b>${reason === null ? '' : html` <span class="dim">${reason}</span>`}</li>`)}
          </ul>`
    }`;
}

function renderServers(servers: readonly ServerView[], publicUrl: string): Html {
  return renderSection(
    'Servers',
    servers.length === 0 ? html`<p class="empty">No server yet. Add one under <code>servers</code> in gateway.yaml.</p>` : '',
    ['State', 'Name', 'Transport', 'Address for clients', 'Access'],
    servers.map(
      (server) =>
        html`<tr>
          <td>${renderState(server.state)}${server.reason === null ? '' : html`<span class="dim reason">${server.reason}</span>`}</td>
          <th scope="row">${server.name}</th>
          <td>${server.transport}</td>
          <td><code>${publicUrl}${server.path}</code> <button type="button" data-copy="${publicUrl}${server.path}">Copy</button></td>
          <td>${server.auth === 'none' ? html`<span class="state warn">open</span>` : 'API key'}</td>
        </tr>`,
    ),
  );
}

function renderKeys(keys: readonly KeyWithUsage[], more: boolean): Html {
  return renderSection(
    'Keys',
    keys.length === 0
      ? html`<p class="empty">No key yet. Make one: <code>npx --no gateway keys create --name NAME</code></p>`
      : more
        ? html`<p class="dim">The newest ${rowsMax}; the rest: <code>npx --no gateway keys list</code></p>`
        : '',
    ['Prefix', 'Name', 'Status', 'Last used', 'Calls', 'Cost'],
    keys.map(
      ({ key, status, usage }) =>
        html`<tr class="${status === 'active' ? '' : 'over'}">
          <td><code>${key.prefix}…</code></td>
          <th scope="row">${key.name}</th>
          <td>${status}</td>
          <td>${usage === null ? '–' : usage.lastUsedMs === null ? html`<span class="dim">never</span>` : renderTime(usage.lastUsedMs)}</td>
          <td class="number">${usage === null ? '–' : usage.calls.toLocaleString('en')}</td>
          <td class="number">${usage === null ? '–' : renderMoney(Number(usage.costNano) / 1e9)}</td>
        </tr>`,
    ),
  );
}

function renderSection(title: string, note: Html | string, columns: readonly string[], rows: readonly Html[]): Html {
  const id = title.toLowerCase().replaceAll(' ', '-');
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${
      rows.length === 0
        ? ''
        : html`<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}">
            <table>
              <thead>
                <tr>
                  ${columns.map((column) => html`<th scope="col" class="${numeric.has(column) ? 'number' : ''}">${column}</th>`)}
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`
    }
    ${note}
  </section>`;
}

const numeric = new Set(['Calls', 'Cost', 'Time']);

const stateClasses: Readonly<Record<string, string>> = {
  ready: 'ok',
  ok: 'ok',
  starting: 'waiting',
  degraded: 'warn',
  failed: 'error',
  down: 'error',
  unknown: 'unknown',
};

function renderState(state: string): Html {
  return html`<span class="state ${stateClasses[state] ?? 'unknown'}">${state === 'unknown' ? 'not asked yet' : state}</span>`;
}

function renderTime(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.replace('T', ' ').slice(0, 19)} UTC</time>`;
}

/** Two decimals from a dollar, four below. */
function renderMoney(dollars: number): string {
  return `$${dollars.toFixed(dollars >= 1 ? 2 : 4)}`;
}
