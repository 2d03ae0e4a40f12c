/** The dashboard of a gateway that has nothing yet, to its first call and then to a company that uses it: a real browser, one gateway, one life. */
import { writeFileSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'the first hour with the dashboard', (chromium) => {
  let traffic: JourneyTraffic;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    traffic = await startJourneyTraffic();
    const config = { workers: 1, log: { level: 'warn' }, record: { bodies: 'masked' }, servers: [] };
    dashboard = await startDashboard(chromium, { config });
    ({ gateway } = dashboard);
    person = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await traffic?.stop();
    removeGatewayFolders();
  });

  const open = (path: string, whose = person): Promise<Page> => dashboard.open(path, whose);

  test.each([
    ['/ui/traces', 'No calls in the last 24 hours', 'connect an agent'],
    ['/ui/traces?q=status:error', 'No calls in the last 24 hours', 'connect an agent'],
    ['/ui/metrics', 'No calls in the last 24 hours', 'connect an agent'],
    ['/ui/costs', 'No calls in', 'the list below'],
    ['/ui/servers', 'No servers yet', 'gateway.yaml'],
    ['/ui/keys?find=nobody', 'No keys match', ''],
    ['/ui/people', 'No users yet', ''],
    ['/ui/people?kind=agents', 'No agents yet', ''],
    ['/ui/people?kind=invitations', 'No open invitations', 'gateway users invite'],
    ['/ui/people?kind=unregistered', 'No unregistered agents in the last', ''],
    ['/ui/identity', 'No identity providers yet', 'identity:'],
    ['/ui/policies?find=nothing', 'No policies match', ''],
    ['/ui/audit?text=nothing-of-it', 'No events in the last 24 hours match', ''],
    ['/ui/access', 'Who wants to call what?', ''],
    ['/ui/traces/compare', 'Select two traces to compare', ''],
    ['/ui/traces/tr_00000000000000000000000000000001', 'Trace not found', ''],
    ['/ui/servers/none', 'There is no server “none”', ''],
    ['/ui/people/users/usr_none', 'There is no user “usr_none”', ''],
    ['/ui/nowhere', 'Page not found', 'Go to the Overview'],
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
    await page.getByLabel('Name').fill('library');
    await page.getByLabel('Address').fill(traffic.config.servers.find(({ name }) => name === 'search')?.url ?? '');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Create a key for it' }).click();
    await page.getByRole('tab', { name: 'Cursor' }).click();
    await page.waitForURL(/client=cursor/);
    const snippet = JSON.parse(await page.locator('[data-secret] code').innerText()) as {
      mcpServers: { library: { url: string; headers: { Authorization: string } } };
    };
    const { url, headers } = snippet.mcpServers.library;
    expect(url).toBe(`${gateway.url}/mcp/library`);
    const key = headers.Authorization.replace('Bearer ', '');
    await page.getByText('Waiting for the first call').waitFor();
    await dashboard.look(page, 'connect-light');
    const came = page.getByRole('list', { name: 'Calls received' }).getByText('library · query').first();
    await until(
      async () => {
        const call = await post(`${gateway.url}/v1/mcp/library/tools/call`, { tool: 'query', arguments: { q: 'first' } }, { key });
        expect(call.status).toBe(200);
        return (await came.count()) > 0;
      },
      { what: 'the call on the page', timeoutMs: 30_000 },
    );
    await page.getByRole('img', { name: 'Passed all stops' }).first().waitFor();
    await dashboard.look(page, 'connect-done-light');
    await page.getByRole('link', { name: 'Go to the Overview', exact: true }).click();
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

  describe('once a company works with it', () => {
    let traces: JourneyRun['traces'];

    beforeAll(async () => {
      writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...traffic.config }));
      ({ traces } = await traffic.run(gateway));
    });

    test('by keys alone two traces are chosen and compared: what differs is seen, and the address brings it back', async () => {
      const page = await open(`/ui/traces?q=${encodeURIComponent(`trace:(${traces.withReport} OR ${traces.withoutReport})`)}`);
      await page.getByRole('grid').getByRole('row').nth(2).waitFor();
      for (const key of ['j', 'x', 'j', 'x']) await page.keyboard.press(key);
      await page.getByText('2 traces selected').waitFor();
      await dashboard.look(page, 'traces-chosen-light');
      await page.keyboard.press('=');
      const calls = page.getByRole('region', { name: 'Calls of both traces' });
      await calls.getByRole('row').nth(5).waitFor();
      await calls
        .getByRole('button', { name: /search · query/ })
        .nth(1)
        .click();
      await page.waitForURL(/pair=1/);
      const asked = page.getByRole('region', { name: 'Differences in the request' });
      await asked.getByText('in week 40').waitFor();
      await asked.getByText('in week 42').waitFor();
      // What is not compared stands in the address, and is compared again.
      for (const path of ['id', 'params.arguments.q']) {
        await asked.getByRole('button', { name: `Do not compare ${path}`, exact: true }).click();
        await page.getByRole('button', { name: `Compare ${path} again`, exact: true }).waitFor();
      }
      await asked.getByText('Identical, apart from the ignored fields.').waitFor();
      await page.waitForURL(/ignore=[^&]*arguments\.q/);
      await page.getByRole('button', { name: 'Compare params.arguments.q again' }).click();
      await asked.getByText('in week 40').waitFor();
      // Of what is not in both, and of the chosen one, nothing is hidden.
      await page.getByLabel('Only calls with a different outcome').check();
      await page.waitForURL(/only=1/);
      expect(await calls.getByRole('rowheader').allInnerTexts()).toEqual(['search · query', 'warehouse · run_report']);
      await dashboard.look(page, 'compare-light');
      await page.emulateMedia({ colorScheme: 'dark' });
      await dashboard.look(page, 'compare-dark', 'dark');
      await page.close();
    });

    test('of one trace the calls that are looked for are found, and the others hidden; the address holds both', async () => {
      const page = await open(`/ui/traces/${traces.withReport}`);
      const calls = page.getByRole('treeitem');
      await calls.nth(4).waitFor();
      await page.getByLabel('Find calls in this trace').fill('nothing of that name');
      await page.getByText('0 of 5 calls').waitFor();
      expect(await calls.count()).toBe(5);
      await page.getByRole('button', { name: 'Hide the others' }).click();
      await page.waitForURL(/hide=1/);
      await calls.first().waitFor({ state: 'detached' });
      await page.reload();
      await page.getByText('0 of 5 calls').waitFor();
      await page.getByLabel('Find calls in this trace').fill('search query');
      await page.getByText('3 of 5 calls').waitFor();
      await calls.nth(2).waitFor();
      expect(await calls.count()).toBe(3);
      await page.close();
    });
  });

  test('no page complained of anything', () => expect(dashboard.complaints).toEqual([]));
});
