/** The Overview, costs, prices and metrics in the dashboard: a real browser at a real gateway whose calls have no price until somebody gives them one. */
import { readFileSync } from 'node:fs';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { startJourneyTraffic, type JourneyTraffic } from '../support/journey-traffic.ts';
import { until } from '../support/poll.ts';
import { type Answer, post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'overview, costs and metrics', (chromium) => {
  let traffic: JourneyTraffic;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    traffic = await startJourneyTraffic({ prices: 'none' });
    dashboard = await startDashboard(chromium, { config: traffic.config });
    ({ gateway } = dashboard);
    await traffic.run(gateway);
    person = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await traffic?.stop();
    removeGatewayFolders();
  });

  const callTool = (tool: string): Promise<Answer> =>
    post(`${gateway.url}/v1/mcp/search/tools/call`, { tool, arguments: { q: 'now' } }, { key: gateway.apiKey });

  interface Costs {
    readonly summary: { readonly total_cost: number; readonly total_calls: number };
    readonly breakdown: readonly { readonly group: string; readonly calls: number }[];
  }

  /** What the tools have cost of late, or this month. */
  const costs = async (since: 'month' | 'lately' = 'lately'): Promise<Costs> => {
    const today = new Date().toISOString().slice(0, 10);
    const start = since === 'month' ? `${today.slice(0, 8)}01` : new Date(Date.now() - 20 * 86_400_000).toISOString().slice(0, 10);
    const answer = await post(`${gateway.url}/v1/costs/summary?start_date=${start}&end_date=${today}&group_by=tool`, undefined, { key: gateway.apiKey });
    return JSON.parse(answer.text) as Costs;
  };
  const callsOf = ({ breakdown }: Costs, tool: string): number => breakdown.find(({ group }) => group === tool)?.calls ?? 0;
  const dollars = (amount: number): string => `$${amount.toFixed(2)}`;

  const open = (path: string): Promise<Page> => dashboard.open(path, person);

  test('a call without a price gets one in the page: reckoned before it is made, then changed and deleted, and each version says what it changed', async () => {
    const [month, lately] = [await costs('month'), await costs()];
    const calls = callsOf(lately, 'search/fetch_page');
    const page = await open('/ui/costs');
    await page.getByText(`${month.summary.total_calls} calls have no price`).waitFor();
    expect(new URL((await page.getByRole('link', { name: 'search · fetch_page' }).getAttribute('href')) ?? '', page.url()).searchParams.get('q')).toBe(
      'server:search tool:fetch_page -has:cost',
    );
    await page.getByRole('button', { name: 'Add a price for search · fetch_page' }).click();
    const sheet = page.getByRole('dialog');
    expect(await sheet.getByLabel('Tool').inputValue()).toBe('fetch_page');
    await sheet.getByLabel('Per call').fill('0.25');
    await sheet.getByRole('button', { name: 'Calculate the effect' }).click();
    // Of all calls only those of this tool.
    await sheet
      .getByText(
        `At this price, the ${lately.summary.total_calls} calls of the last 30 days would have cost ${dollars(calls * 0.25)} instead of $0 at current prices`,
      )
      .waitFor();
    await dashboard.look(page, 'price');
    await sheet.getByRole('button', { name: 'Add the price' }).click();
    await sheet.waitFor({ state: 'detached' });
    const row = page.getByRole('row', { name: 'search · fetch_page' });
    await row.getByText('0.25 USD').waitFor();

    await callTool('fetch_page');
    await until(async () => (await costs()).summary.total_cost === 0.25, { what: 'the cost of a call', timeoutMs: 60_000 });

    await row.getByRole('button', { name: 'Change' }).click();
    await sheet.getByLabel('Per call').fill('0.5');
    await sheet.getByRole('button', { name: 'Calculate the effect' }).click();
    await sheet.getByText(`${dollars((calls + 1) * 0.5)} instead of ${dollars((calls + 1) * 0.25)} at current prices (+100.0 %)`).waitFor();
    await sheet.getByRole('button', { name: 'Change the price' }).click();
    await row.getByText('0.5 USD').waitFor();

    await row.getByRole('button', { name: 'Delete' }).click();
    await page
      .getByRole('alertdialog')
      .getByText(`would have cost $0 instead of ${dollars((calls + 1) * 0.5)}`)
      .waitFor();
    await page.getByRole('button', { name: 'Delete the price' }).click();
    await page.getByText(`no price: ${callsOf(month, 'search/fetch_page')} calls this month`).waitFor();
    await page.getByRole('button', { name: 'Show earlier versions' }).click();
    await page.getByText('search · fetch_page: per call 0.25 → 0.5').waitFor();
    await page.getByText('search · fetch_page: per call 0.5 → none').waitFor();
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

  test('a chart says last, mean and maximum of each line, shows one alone, marks what was changed, is had as a file and as a table, and leads to the calls of a step', async () => {
    const policy = { effect: 'deny', to: ['everyone'], tools: ['never_*'], reason: 'To be seen in the charts.' };
    expect((await post(`${gateway.url}/v1/policies/marked`, policy, { method: 'PUT', key: gateway.apiKey, headers: { 'if-match': '"0"' } })).status).toBe(200);
    const page = await open('/ui/metrics?range=15m');
    const chart = chartOf(page, 'Latency');
    await chart.getByRole('button', { name: 'p99' }).waitFor();
    await page.getByText(/dotted lines? marks?/).waitFor();
    await chart.getByRole('button', { name: 'Max' }).click();
    expect(await chart.getByRole('columnheader', { name: '▼ Max' }).getAttribute('aria-sort')).toBe('descending');
    await chart.getByRole('button', { name: 'p95' }).click();
    expect(await chart.locator('th [aria-pressed=true]').allInnerTexts()).toEqual(['p95']);
    await dashboard.look(page, 'metrics-alone');
    const [table] = await Promise.all([page.waitForEvent('download'), chart.getByRole('button', { name: /save as CSV/ }).click()]);
    expect(readFileSync(await table.path(), 'utf8')).toMatch(/^time,p50,p95,p99\r\n20/);
    const [picture] = await Promise.all([page.waitForEvent('download'), chart.getByRole('button', { name: /save as PNG/ }).click()]);
    expect(
      readFileSync(await picture.path())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    await chart.getByRole('button', { name: 'Latency as a table' }).click();
    // Only the line that is alone.
    expect(await chart.getByRole('region').getByRole('columnheader').allInnerTexts()).toEqual(['From', 'p95']);
    await chart.getByRole('region').getByText(' ms').first().waitFor();
    await chart.getByRole('button', { name: 'Latency as a chart' }).click();
    const over = chart.locator('.u-over');
    const { width = 0 } = (await over.boundingBox()) ?? {};
    await over.click({ position: { x: width / 2, y: 40 } });
    await page.waitForURL(/\/traces\?.*from=/);
    expect(dashboard.complaints).toEqual([]);
    await page.close();
  });

  test('each server has a line of its colour in three charts, one alone is alone in all of them and leads to its calls; where a server is asked for its tools have the lines', async () => {
    const page = await open('/ui/metrics?range=7d');
    const [rates, failures, times] = ['Calls per second by server', 'Failure rate by server', 'p95 latency by server'].map((title) => chartOf(page, title)) as [
      Locator,
      Locator,
      Locator,
    ];
    await rates.getByRole('button', { name: 'github' }).waitFor();
    const names = ['crm', 'github', 'legacy-erp', 'mail', 'planner', 'search', 'warehouse'];
    for (const chart of [rates, failures, times]) {
      expect(await chart.locator('th [aria-pressed]').allInnerTexts()).toEqual(names);
      const strokes = (await chart.locator('th svg path').all()).map((path) => path.getAttribute('style'));
      expect(await Promise.all(strokes)).toEqual(names.map((_, index) => `stroke: var(--series-${index + 1});`));
    }
    await failures.getByRole('button', { name: 'github' }).click();
    expect(await page.locator('th [aria-pressed=true]').allInnerTexts()).toEqual(['github', 'github', 'github']);
    await dashboard.look(page, 'metrics-server-alone');
    const over = times.locator('.u-over');
    const { width = 0 } = (await over.boundingBox()) ?? {};
    await over.click({ position: { x: width - 10, y: 40 } });
    await page.waitForURL((url) => url.pathname.endsWith('/traces') && url.searchParams.get('q') === 'server:github');
    await page.goBack();
    await page.getByRole('tab', { name: 'Tools' }).click();
    await page.waitForURL(/by=tool/);
    const byTool = chartOf(page, 'Calls per second by tool');
    await byTool.getByRole('button', { name: 'github · create_issue' }).waitFor();
    // More than have a colour.
    await byTool.getByRole('button', { name: 'all others' }).waitFor();
    await page.goto(`${gateway.url}/ui/metrics?range=7d&q=server:github`);
    await byTool.getByRole('button', { name: 'delete_repo' }).waitFor();
    expect(await byTool.locator('th [aria-pressed]').allInnerTexts()).toEqual(['create_issue', 'delete_repo']);
    await byTool.getByRole('button', { name: 'delete_repo' }).click();
    await chartOf(page, 'p95 latency by tool')
      .locator('.u-over')
      .click({ position: { x: width - 10, y: 40 } });
    await page.waitForURL((url) => url.pathname.endsWith('/traces') && url.searchParams.get('q') === 'server:github tool:delete_repo');
    await page.close();
  });

  test('the Overview says what was changed and not sign-ins, marks it in the traffic, leads to what its figures are of, and asks who somebody is once, before its program runs', async () => {
    const page = await open('/ui/');
    const changes = page.locator('section').filter({ has: page.getByRole('heading', { name: 'What changed' }) });
    await changes.getByRole('link', { name: 'server switched off crm' }).waitFor();
    expect(await changes.getByRole('link', { name: /^(session|sign in|admin link)/ }).count()).toBe(0);
    const bars = page.getByRole('group', { name: 'Calls over time by outcome' });
    await bars.locator('path').first().waitFor({ state: 'attached' });
    const asked =
      "performance.getEntriesByType('resource').filter(({ name }) => /\\/v1\\/me(\\/|$)/.test(new URL(name).pathname)).map((one) => one.initiatorType)";
    expect(await page.evaluate<string[]>(asked)).toEqual(['link', 'link']);
    await page.getByRole('heading', { level: 1, name: /(is|was|has been) failing/ }).waitFor();
    await page.getByRole('button', { name: 'View as table' }).click();
    const table = page.getByRole('region', { name: 'Calls over time by outcome, as a table' });
    expect((await table.getByRole('columnheader').allInnerTexts()).slice(0, 2)).toEqual(['From', 'Calls']);
    await table.getByRole('columnheader', { name: 'blocked' }).waitFor();
    await dashboard.look(page, 'overview-table');
    await page.getByRole('button', { name: 'View as chart' }).click();
    await page.getByRole('link', { name: /^blocked/ }).click();
    await page.waitForURL((url) => url.pathname.endsWith('/traces') && url.searchParams.get('q') === 'status:blocked');
    await page.goBack();
    await changes.getByRole('link', { name: 'server switched off crm' }).click();
    await page.waitForURL((url) => url.pathname.endsWith('/audit') && url.searchParams.get('object') === 'crm');
    await page.close();
  });

  test('figures are lines or a table, and those of each second come by themselves, of each server too', async () => {
    const page = await open('/ui/metrics?table=1');
    await page.getByRole('columnheader', { name: 'p99' }).first().waitFor();
    await page.getByRole('button', { name: 'View as charts' }).click();
    await page.getByRole('img', { name: /^Calls per second;/ }).waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByRole('button', { name: 'View as table' }).click();
    const seconds = page.getByRole('region', { name: 'Each step' }).getByRole('row');
    const ofSearch = page.getByRole('region', { name: 'Calls per second by server, each step' }).getByRole('columnheader', { name: 'search' });
    await until(
      async () => {
        await callTool('query');
        return (await seconds.count()) > 3 && (await ofSearch.count()) === 1;
      },
      { what: 'seconds in the tables', timeoutMs: 30_000 },
    );
    await page.close();
  });
});

/** A chart with its legend. */
function chartOf(page: Page, title: string): Locator {
  return page
    .locator('section')
    .filter({ has: page.getByRole('heading', { name: title, exact: true }) })
    .last();
}
