import { html } from 'hono/html';
import type { Html } from './render-page.ts';

export interface Column {
  readonly title: string;
  readonly number?: boolean;
}

/** A headed table in a region that scrolls sideways where it must. `note` stands below it, or in its place where there is no row. */
export function renderTable(title: string, columns: readonly Column[], rows: readonly Html[], note: Html | string = ''): Html {
  const id = title.toLowerCase().replaceAll(' ', '-');
  const table = html`<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}">
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col" class="${column.number ? 'number' : ''}">${column.title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${rows.length === 0 ? '' : table} ${note}
  </section>`;
}

export function renderEmpty(text: Html | string): Html {
  return html`<p class="empty">${text}</p>`;
}

/** How each state is drawn: a shape, a colour and the word itself. What is well has no colour. */
const stateShapes: Readonly<Record<string, string>> = {
  ready: 'ok',
  ok: 'ok',
  success: 'ok',
  starting: 'waiting',
  waiting: 'waiting',
  degraded: 'warn',
  timeout: 'warn',
  failed: 'error',
  down: 'error',
  error: 'error',
  blocked: 'blocked',
};

export function renderState(state: string, word = state): Html {
  return html`<span class="state ${stateShapes[state] ?? 'unknown'}">${word}</span>`;
}

export function renderTime(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.replace('T', ' ').slice(0, 19)} UTC</time>`;
}

/** Two decimals from one unit, four below; dollars with their sign, others with their code. */
export function renderMoney(amount: number, currency: string): string {
  const digits = amount >= 1 ? 2 : 4;
  return currency === 'USD' ? `$${amount.toFixed(digits)}` : `${amount.toFixed(digits)} ${currency}`;
}
