/** The dashboard of a gateway that has nothing yet, to its first calls and what is done with them: a real browser, one gateway, one life. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { result } from '../support/replies.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'the first hour with the dashboard', (chromium) => {
  let upstream: RecordingUpstream;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    upstream = await startRecordingUpstream(modernServer(result('found', {})));
    const config = { workers: 1, log: { level: 'warn' }, record: { bodies: 'masked' }, servers: [] };
    dashboard = await startDashboard(chromium, { config });
    ({ gateway } = dashboard);
    person = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await upstream?.stop();
    removeGatewayFolders();
  });

  const open = (path: string, whose = person): Promise<Page> => dashboard.open(path, whose);

  test.each([
    ['/ui/traces', 'No call in the last 24 hours', 'connect an agent'],
    ['/ui/traces?q=status:error', 'No call in the last 24 hours', 'connect an agent'],
    ['/ui/metrics', 'No call in the last 24 hours', 'connect an agent'],
    ['/ui/costs', 'No call in', 'pricing'],
    ['/ui/servers', 'No server yet', 'gateway.yaml'],
    ['/ui/keys?find=nobody', 'No key fits', ''],
    ['/ui/people', 'No user yet', ''],
    ['/ui/people?kind=agents', 'No agent yet', ''],
    ['/ui/people?kind=invitations', 'Nobody is invited', 'gateway users invite'],
    ['/ui/people?kind=unregistered', 'Every agent that called is in the catalogue', ''],
    ['/ui/identity', 'No identity provider yet', 'identity:'],
    ['/ui/policies?find=nothing', 'No policy fits', ''],
    ['/ui/audit?text=nothing-of-it', 'Nothing of the last 24 hours fits', ''],
    ['/ui/access', 'Who, and what?', ''],
    ['/ui/traces/compare', 'Two traces are needed', ''],
    ['/ui/traces/tr_00000000000000000000000000000001', 'There is no such trace here', ''],
    ['/ui/servers/none', 'There is no server none', ''],
    ['/ui/people/users/usr_none', 'There is no user usr_none', ''],
    ['/ui/nowhere', 'There is no such page', 'To the overview'],
  ])('where nothing is, %s says so and what comes next', async (path, title, next) => {
    // The browser itself notes each answer that there is no such thing.
    const page = await person.newPage();
    await page.goto(`${gateway.url}${path}`);
    const main = page.getByRole('main');
    await main.getByText(title).first().waitFor();
    if (next !== '') await main.getByText(next).first().waitFor();
    await dashboard.lookNow(page, `empty${path.slice(3).replaceAll(/\W+/g, '-')}`, 'main');
    await page.close();
  });

  test('an empty gateway leads to its first call: a server is added, a key made in place, and the call appears the moment it ends', async () => {
    const page = await open('/');
    await page.getByRole('heading', { name: 'Connect your first agent' }).waitFor();
    await dashboard.look(page, 'connect-empty-light');
    await page.getByLabel('Name').fill('search');
    await page.getByLabel('Address').fill(upstream.url);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make a key for it' }).click();
    await page.getByRole('tab', { name: 'Cursor' }).click();
    await page.waitForURL(/client=cursor/);
    const snippet = JSON.parse(await page.locator('[data-secret] code').innerText()) as {
      mcpServers: { search: { url: string; headers: { Authorization: string } } };
    };
    const { url, headers } = snippet.mcpServers.search;
    expect(url).toBe(`${gateway.url}/mcp/search`);
    const key = headers.Authorization.replace('Bearer ', '');
    await page.getByText('Waiting for the first call').waitFor();
    await dashboard.look(page, 'connect-light');
    const came = page.getByRole('list', { name: 'Calls that came' }).getByText('search · query').first();
    await until(
      async () => {
        const call = await post(`${gateway.url}/v1/mcp/search/tools/call`, { tool: 'query', arguments: { q: 'first' } }, { key });
        expect(call.status).toBe(200);
        return (await came.count()) > 0;
      },
      { what: 'the call on the page', timeoutMs: 30_000 },
    );
    await page.getByRole('img', { name: 'Passed all stops' }).first().waitFor();
    await dashboard.look(page, 'connect-done-light');
    await page.getByRole('link', { name: 'To the overview', exact: true }).click();
    await page.getByText('Traffic by outcome').waitFor();
    // The secret was shown once.
    await page.goto(`${gateway.url}/ui/connect`);
    await page.getByRole('heading', { name: 'Connect an agent' }).waitFor();
    expect(await page.content()).not.toContain(key);
    await page.close();

    const dark = await dashboard.newOwner('dark');
    const shown = await open('/ui/connect', dark);
    await shown.getByRole('tablist').waitFor();
    await dashboard.look(shown, 'connect-dark', 'dark');
    await shown.setViewportSize({ width: 320, height: 640 });
    expect(await shown.evaluate<number>('document.documentElement.scrollWidth')).toBe(320);
    await dark.close();
  });

  test('by keys alone two traces are chosen and compared: what differs is seen, and the address brings it back', async () => {
    // Where the test before did not add it.
    if ((await post(`${gateway.url}/v1/servers/search`, undefined, { key: gateway.apiKey })).status === 404) {
      const made = await post(`${gateway.url}/v1/servers`, { name: 'search', spec: { url: upstream.url } }, { key: gateway.apiKey });
      expect(made.status).toBe(201);
    }
    const names = ['compared-1', 'compared-2'];
    for (const [index, name] of names.entries()) {
      const headers = { 'x-trace-id': name };
      for (const q of ['same', `other ${index}`])
        await post(`${gateway.url}/v1/mcp/search/tools/call`, { tool: 'query', arguments: { q } }, { key: gateway.apiKey, headers });
    }
    const [now, halfDay] = [Date.now(), 43_200_000];
    const window = new URLSearchParams({ start_time: new Date(now - halfDay).toISOString(), end_time: new Date(now + halfDay).toISOString() }).toString();
    await until(
      async () => {
        const found = await Promise.all(names.map((name) => post(`${gateway.url}/v1/traces?${window}&trace_id=${name}`, undefined, { key: gateway.apiKey })));
        return found.every(({ text }) => text.includes('"span_count":2'));
      },
      { what: 'both traces in the ledger', timeoutMs: 60_000 },
    );
    const page = await open(`/ui/traces?q=${encodeURIComponent(`trace:(${names.join(' OR ')})`)}`);
    await page.getByRole('grid').getByRole('row').nth(2).waitFor();
    for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key);
    await page.getByText('2 traces chosen').waitFor();
    await dashboard.look(page, 'traces-chosen-light');
    await page.keyboard.press('=');
    await page.getByRole('region', { name: 'Calls of both' }).getByRole('row').nth(2).waitFor();
    await page
      .getByRole('region', { name: 'Calls of both' })
      .getByRole('button', { name: /search · query/ })
      .nth(1)
      .click();
    await page.waitForURL(/pair=1/);
    const asked = page.getByRole('region', { name: 'What differs of the request' });
    // Bodies come a moment after their calls.
    await until(
      async () => {
        if ((await asked.getByText('other 1').count()) > 0) return true;
        await page.reload();
        await page.getByRole('region', { name: 'Calls of both' }).waitFor();
        await asked
          .getByText(/other 1|not kept|on its way/)
          .first()
          .waitFor();
        return false;
      },
      { what: 'what was asked of both', timeoutMs: 60_000 },
    );
    await asked.getByText('other 0').waitFor();
    // What is not compared stands in the address, and is compared again.
    await asked.getByRole('button', { name: /^Do not compare .*arguments\.q/ }).click();
    await asked.getByText('The same in both but for what is not compared.').waitFor();
    await page.waitForURL(/ignore=[^&]*arguments\.q/);
    await page.getByRole('button', { name: /^Compare .* again/ }).click();
    await asked.getByText('other 0').waitFor();
    await page.getByLabel('Only calls that ended differently').check();
    await page.waitForURL(/only=1/);
    expect(await page.getByRole('region', { name: 'Calls of both' }).getByRole('row').count()).toBe(2);
    await dashboard.look(page, 'compare-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await dashboard.look(page, 'compare-dark', 'dark');
    await page.close();

    // Of one trace the calls that are looked for are found, and the others hidden.
    const found = JSON.parse((await post(`${gateway.url}/v1/traces?${window}&trace_id=compared-1`, undefined, { key: gateway.apiKey })).text) as {
      traces: { id: string }[];
    };
    const trace = await open(`/ui/traces/${found.traces[0]?.id ?? ''}`);
    await trace.getByRole('treeitem').nth(1).waitFor();
    await trace.getByLabel('Find calls of this trace').fill('nothing of that name');
    await trace.getByText('0 of 2 calls').waitFor();
    expect(await trace.getByRole('treeitem').count()).toBe(2);
    await trace.getByRole('button', { name: 'Hide the others' }).click();
    await trace.waitForURL(/hide=1/);
    await trace.getByRole('treeitem').first().waitFor({ state: 'detached' });
    await trace.reload();
    await trace.getByLabel('Find calls of this trace').fill('search query');
    await trace.getByRole('treeitem').nth(1).waitFor();
    await trace.close();
  });

  test('no page complained of anything', () => expect(dashboard.complaints).toEqual([]));
});
