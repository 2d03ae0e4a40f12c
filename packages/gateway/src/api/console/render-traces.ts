import { html } from 'hono/html';
import type { ControlContext } from '../../control/context.ts';
import { within } from '../../control/within.ts';
import type { ListedTrace } from '../../store/ledger/traces.ts';
import type { Html } from './render-page.ts';
import { renderEmpty, renderMoney, renderState, renderTable, renderTime } from './render-table.ts';

const rowsMax = 20;
/** A page is looked at: it does not wait for a ledger that hangs. */
const timeoutMs = 3_000;
const windowMs = 24 * 3_600_000;

/** The last traces of a day. A ledger that is not open says so in their place. */
export async function renderTraces(context: ControlContext): Promise<Html> {
  const nowMs = context.clock.nowMs();
  try {
    const ledger = context.ledger();
    if (ledger === null) return renderTable('Last traces', [], [], renderEmpty('The ledger is opening; calls are recorded meanwhile and show here soon.'));
    const listed = ledger.listTraces({
      organizationId: context.organizationId,
      startUs: BigInt(nowMs - windowMs) * 1000n,
      endUs: BigInt(nowMs + 1000) * 1000n,
      query: { terms: [] },
      whole: null,
      after: null,
      limit: rowsMax,
    });
    return renderRows((await within(timeoutMs, listed)).traces);
  } catch (error) {
    context.log.warn('console.traces_unknown', { error });
    return renderTable(
      'Last traces',
      [],
      [],
      renderEmpty('The ledger does not answer. Calls are recorded in the journal and go to the ledger when it is back.'),
    );
  }
}

function renderRows(traces: readonly ListedTrace[]): Html {
  const columns = [
    { title: 'Began' },
    { title: 'Status' },
    { title: 'Server · tool' },
    { title: 'Agent' },
    { title: 'Calls', number: true },
    { title: 'Time', number: true },
    { title: 'Cost', number: true },
    { title: 'Trace' },
  ];
  const rows = traces.map(
    (trace) =>
      html`<tr>
        <td>${renderTime(Number(trace.start_us / 1000n))}</td>
        <td>${renderState(trace.trace_status)}</td>
        <th scope="row">${trace.first_server} <span class="dim">·</span> ${trace.first_tool === '' ? trace.first_method : trace.first_tool}</th>
        <td>${trace.first_agent === '' ? html`<span class="dim">–</span>` : trace.first_agent}</td>
        <td class="number">${trace.span_count.toLocaleString('en')}</td>
        <td class="number">${renderDuration(trace.trace_us)}</td>
        <td class="number">${renderMoney(Number(trace.total_cost), trace.first_currency)}</td>
        <td>
          <code title="tr_${trace.trace_hex}">tr_${trace.trace_hex.slice(0, 4)}…${trace.trace_hex.slice(-4)}</code>
          <button type="button" data-copy="tr_${trace.trace_hex}">Copy</button>
        </td>
      </tr>`,
  );
  return renderTable('Last traces', columns, rows, rows.length === 0 ? renderEmpty('No call in the last 24 hours.') : '');
}

function renderDuration(us: number): string {
  if (us < 10_000) return `${(us / 1000).toFixed(1)} ms`;
  return us < 1_000_000 ? `${Math.round(us / 1000)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}
