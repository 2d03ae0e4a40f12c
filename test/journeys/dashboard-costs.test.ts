/** Costs, prices and metrics in the dashboard: a real browser at a real gateway whose calls have no price until somebody gives them one. */
import { readFileSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { type Answer, post } from '../support/post.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { result } from '../support/replies.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'costs and metrics', (chromium) => {
  let upstream: RecordingUpstream;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    upstream = await startRecordingUpstream(modernServer(result('found', {})));
    const config = { workers: 1, log: { level: 'warn' }, servers: [{ name: 'search', url: upstream.url }] };
    dashboard = await startDashboard(chromium, { config });
    ({ gateway } = dashboard);
    for (let call = 0; call < 6; call += 1) await callTool(call % 3 === 0 ? 'fetch' : 'query');
    await until(async () => (await summary()).includes('"unpriced_calls":6'), { what: 'the calls in the ledger', timeoutMs: 60_000 });
    person = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await upstream?.stop();
    removeGatewayFolders();
  });

  const callTool = (tool: string): Promise<Answer> =>
    post(`${gateway.url}/v1/mcp/search/tools/call`, { tool, arguments: { q: 'now' } }, { key: gateway.apiKey });

  /** What today cost. */
  const summary = async (): Promise<string> => {
    const today = new Date().toISOString().slice(0, 10);
    const answer = await post(`${gateway.url}/v1/costs/summary?start_date=${today}&end_date=${today}`, undefined, { key: gateway.apiKey });
    return answer.text;
  };

  const open = (path: string): Promise<Page> => dashboard.open(path, person);

  test('a call without a price gets one in the page: reckoned before it is made, then changed and deleted, and each version says what it changed', async () => {
    const page = await open('/ui/costs');
    await page.getByText('6 calls have no price').waitFor();
    expect(new URL((await page.getByRole('link', { name: 'search · fetch' }).getAttribute('href')) ?? '', page.url()).searchParams.get('q')).toBe(
      'server:search tool:fetch -has:cost',
    );
    await page.getByRole('button', { name: 'Add a price for search · query' }).click();
    const sheet = page.getByRole('dialog');
    expect(await sheet.getByLabel('Tool').inputValue()).toBe('query');
    await sheet.getByLabel('A call').fill('0.25');
    await sheet.getByRole('button', { name: 'Reckon it' }).click();
    // Four of the six are calls of this tool.
    await sheet.getByText('By it the 6 calls of the last 30 days would have cost $1.00 instead of $0 by the list that holds').waitFor();
    await dashboard.look(page, 'price');
    await sheet.getByRole('button', { name: 'Add the price' }).click();
    await sheet.waitFor({ state: 'detached' });
    const row = page.getByRole('row', { name: 'search · query' });
    await row.getByText('0.25 USD').waitFor();

    await callTool('query');
    await until(async () => (await summary()).includes('"total_cost":0.25'), { what: 'the cost of a call', timeoutMs: 60_000 });

    await row.getByRole('button', { name: 'Change' }).click();
    await sheet.getByLabel('A call').fill('0.5');
    await sheet.getByRole('button', { name: 'Reckon it' }).click();
    await sheet.getByText('$2.50 instead of $1.25 by the list that holds (+100.0 %)').waitFor();
    await sheet.getByRole('button', { name: 'Change the price' }).click();
    await row.getByText('0.5 USD').waitFor();

    await row.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByText('would have cost $0 instead of $2.50').waitFor();
    await page.getByRole('button', { name: 'Delete the price' }).click();
    await page.getByText('no price: 4 calls of this month').waitFor();
    await page.getByRole('button', { name: 'Show the versions of the list' }).click();
    await page.getByText('search · query: a call 0.25 → 0.5').waitFor();
    await page.getByText('search · query: a call 0.5 → none').waitFor();
    await page.close();
  });

  test('costs of a month lead to the calls that made them', async () => {
    const page = await open('/ui/costs?by=server');
    await page.getByRole('tab', { name: 'tool' }).click();
    await page.getByRole('rowheader', { name: 'search/query' }).getByRole('link').click();
    await page.waitForURL(/q=server%3Asearch\+tool%3Aquery/);
    await page.getByRole('grid').waitFor();
    // A day leads there too, by keys.
    await page.goto(`${gateway.url}/ui/costs`);
    await page.getByRole('group', { name: /^Costs of/ }).focus();
    for (let day = 0; day < new Date().getUTCDate(); day += 1) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/traces\?/);
    await page.getByRole('row', { name: /query/ }).first().waitFor();
    await page.close();
  });

  test('what is seen of a month is had as a file, with what the month before cost', async () => {
    const page = await open('/ui/costs?by=tool');
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
    const rows = readFileSync(await file.path(), 'utf8').split('\r\n');
    expect(rows[0]).toBe('tool,calls,unpriced_calls,errors,input_tokens,output_tokens,cost,currency,previous_cost,change_percent');
    expect(rows.slice(1).some((row) => row.startsWith('search/query,'))).toBe(true);
    await page.close();
  });

  test('a chart says last, mean and most of each line, shows one alone, marks what was changed, is had as a file, and leads to the calls of a step', async () => {
    const page = await open('/ui/metrics?range=15m');
    const chart = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Time until the answer' }) });
    await chart.getByRole('button', { name: 'p99' }).waitFor();
    // The price that was made above.
    await page.getByText(/dashed lines? (is|are)/).waitFor();
    await chart.getByRole('button', { name: 'Most' }).click();
    expect(await chart.getByRole('columnheader', { name: '▼ Most' }).getAttribute('aria-sort')).toBe('descending');
    await chart.getByRole('button', { name: 'p95' }).click();
    expect(await chart.getByRole('button', { pressed: true }).allInnerTexts()).toEqual(['p95']);
    await dashboard.look(page, 'metrics-alone');
    const [table] = await Promise.all([page.waitForEvent('download'), chart.getByRole('button', { name: /as CSV/ }).click()]);
    expect(readFileSync(await table.path(), 'utf8')).toMatch(/^time,p50,p95,p99\r\n20/);
    const [picture] = await Promise.all([page.waitForEvent('download'), chart.getByRole('button', { name: /as a picture/ }).click()]);
    expect(
      readFileSync(await picture.path())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const over = chart.locator('.u-over');
    const { width = 0 } = (await over.boundingBox()) ?? {};
    await over.click({ position: { x: width / 2, y: 40 } });
    await page.waitForURL(/\/traces\?.*from=/);
    expect(dashboard.complaints).toEqual([]);
    await page.close();
  });

  test('figures are lines or a table, and those of each second come by themselves', async () => {
    const page = await open('/ui/metrics?table=1');
    await page.getByRole('columnheader', { name: 'p99' }).first().waitFor();
    await page.getByRole('button', { name: 'View as charts' }).click();
    await page.getByRole('img', { name: /Calls a second/ }).waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByRole('button', { name: 'View as table' }).click();
    await until(
      async () => {
        await callTool('query');
        return (await page.getByRole('row').count()) > 4;
      },
      { what: 'seconds in the table', timeoutMs: 30_000 },
    );
    await page.close();
  });
});
