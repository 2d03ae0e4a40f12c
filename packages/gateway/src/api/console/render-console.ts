import { html } from 'hono/html';
import type { ControlContext } from '../../control/context.ts';
import { readHealth, type HealthReport } from '../../control/health/read-health.ts';
import type { KeyWithUsage } from '../../control/keys/get-key.ts';
import { listKeys } from '../../control/keys/list-keys.ts';
import { ownServers } from '../../control/servers/own-servers.ts';
import { listServers, type ServerView } from '../../control/servers/list-servers.ts';
import { renderPage, renderRail, type Html } from './render-page.ts';
import { renderEmpty, renderMoney, renderState, renderTable, renderTime } from './render-table.ts';
import { renderTraces } from './render-traces.ts';

const rowsMax = 20;

/** Servers, keys and last traces, as far as whoever has signed in may see them. */
export async function renderConsole(context: ControlContext): Promise<Html> {
  const { actor } = context;
  const [health, servers, keys, traces] = await Promise.all([
    healthFor(context),
    actor.can('servers.read') ? listServers(context) : null,
    actor.can('keys.read') ? listKeys(context, { cursor: null, limit: rowsMax }) : null,
    actor.can('traces.read') ? renderTraces(context) : '',
  ]);
  return renderPage(
    'GatewayOps',
    '',
    html`<header class="bar">
        <span class="brand">${renderRail('The rail: auth, access, limit, guard, server, reply', 'whole')} GatewayOps</span>
        <span
          ><a href="${new URL(context.publicUrl()).pathname.replace(/\/$/, '')}/ui/">Dashboard</a>
          <button type="button" class="quiet" id="sign-out">Sign out</button></span
        >
      </header>
      <main>
        ${renderStatus(health)} ${servers === null ? '' : renderServers(servers, context.publicUrl())}
        ${keys === null ? '' : renderKeys(keys.keys, keys.cursor !== null, context.prices.served().list.currency)} ${traces}
      </main>`,
  );
}

/** Whoever may not know of the parts of the gateway, as nobody of another organization may, sees how the servers are that are offered to it. */
async function healthFor(context: ControlContext): Promise<HealthReport> {
  const health = await readHealth(context);
  if (context.actor.can('health.read')) return health;
  const own = new Set(ownServers(context).map(({ name }) => name));
  return { ...health, dependencies: {}, servers: Object.fromEntries(Object.entries(health.servers).filter(([name]) => own.has(name))) };
}

function renderStatus({ status, dependencies, servers }: HealthReport): Html {
  const unwell = [
    ...Object.entries(dependencies).filter(([, { state }]) => state !== 'ok'),
    ...Object.entries(servers).filter(([, { state }]) => state === 'failed' || state === 'degraded' || state === 'starting'),
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
  const columns = [{ title: 'State' }, { title: 'Name' }, { title: 'Transport' }, { title: 'Address for clients' }, { title: 'Access' }];
  const rows = servers.map(
    (server) =>
      html`<tr>
        <td>
          ${renderState(server.state, server.state === 'unknown' ? 'not asked yet' : server.state)}${server.reason === null ? '' : html`<span class="dim reason" title="${server.reason}">${server.reason}</span>`}
        </td>
        <th scope="row">${server.name}</th>
        <td>${server.transport}</td>
        <td><code>${publicUrl}${server.path}</code> <button type="button" data-copy="${publicUrl}${server.path}">Copy</button></td>
        <td>
          ${server.auth === 'none' ? html`<span class="state warn">open to all</span>` : server.auth.replace('apiKey', 'API key').replace('jwt', 'token').replace('oauth', 'sign-in').replace('mtls', 'certificate')}
        </td>
      </tr>`,
  );
  return renderTable('Servers', columns, rows, rows.length === 0 ? renderEmpty(html`No server yet. Add one under <code>servers</code> in gateway.yaml.`) : '');
}

function renderKeys(keys: readonly KeyWithUsage[], more: boolean, currency: string): Html {
  const columns = [
    { title: 'Prefix' },
    { title: 'Name' },
    { title: 'Status' },
    { title: 'Last used' },
    { title: 'Calls', number: true },
    { title: 'Cost', number: true },
  ];
  const rows = keys.map(
    ({ key, status, usage }) =>
      html`<tr class="${status === 'active' ? '' : 'over'}">
        <td><code>${key.prefix}…</code></td>
        <th scope="row">${key.name}</th>
        <td>${status}</td>
        <td>${usage === null ? '–' : usage.lastUsedMs === null ? html`<span class="dim">never</span>` : renderTime(usage.lastUsedMs)}</td>
        <td class="number">${usage === null ? '–' : usage.calls.toLocaleString('en')}</td>
        <td class="number">${usage === null ? '–' : renderMoney(Number(usage.costNano) / 1e9, currency)}</td>
      </tr>`,
  );
  const none = renderEmpty(html`No key yet. Make one: <code>npx --no gateway keys create --name NAME</code>`);
  const newest = html`<p class="dim">The newest ${rowsMax}; all of them: <code>npx --no gateway keys list</code></p>`;
  return renderTable('Keys', columns, rows, rows.length === 0 ? none : more ? newest : '');
}
