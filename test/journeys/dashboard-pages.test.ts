/** Every page of the dashboard at a gateway that a small company uses: how it looks, at every width, while it waits, when it fails, and by its address. */
import { isDeepStrictEqual } from 'node:util';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PageToSee, startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { until } from '../support/poll.ts';
import { describeWith } from '../support/requires.ts';
import { screenOf, walk, widthOf } from '../support/screen.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';

/** What stands in braces is one of the traces of the run. */
const pages: readonly PageToSee[] = [
  ['overview', '/ui/', 'Traffic by outcome'],
  ['traces', '/ui/traces?range=7d', 'planner'],
  ['trace', '/ui/traces/{whole}', 'run_report'],
  ['compare', '/ui/traces/compare?a={failed}&b={whole}', 'different outcome'],
  ['metrics', '/ui/metrics?range=7d', 'Calls per second'],
  ['costs', '/ui/costs?by=server', 'warehouse'],
  ['servers', '/ui/servers', 'legacy-erp'],
  ['server', '/ui/servers/search', 'Connection'],
  ['server-tools', '/ui/servers/search/tools?tool=query', 'Search the documents'],
  ['server-traffic', '/ui/servers/github?tab=traffic&range=7d', 'Latest failures'],
  ['server-access', '/ui/servers/github?tab=access', 'no-deletes'],
  ['server-config', '/ui/servers/github?tab=config', 'Configuration'],
  ['keys', '/ui/keys', 'nightly batch'],
  ['people', '/ui/people', 'Ana Ardent'],
  ['person', '/ui/people/users/usr_ana', 'laptop of Ana'],
  ['invitations', '/ui/people?kind=invitations', 'No open invitations'],
  ['access', '/ui/access?as=user:usr_ana&server=github&name=delete_repo', 'Denied'],
  ['identity', '/ui/identity', 'No provider sends users'],
  ['sessions', '/ui/sessions', 'this browser'],
  ['policies', '/ui/policies?rule=no-deletes', 'Calls it decided'],
  ['audit', '/ui/audit', 'verified to'],
  ['settings', '/ui/settings', 'Retention'],
  ['settings-masking', '/ui/settings?part=masking', 'A body'],
  ['settings-export', '/ui/settings?part=export', 'No targets yet'],
  ['settings-configuration', '/ui/settings?part=configuration', 'gateway.yaml'],
  ['settings-about', '/ui/settings?part=about', 'Health'],
  ['connect', '/ui/connect', 'Connect an agent'],
];

/** Pages that wait and fail as one of the others does, and look otherwise. */
const alike: readonly PageToSee[] = [
  ['traces-peek', '/ui/traces?range=7d&peek={failed}', 'cannot be reached'],
  ['trace-refused', '/ui/traces/{refused}', 'delete_repo'],
  ['metrics-table', '/ui/metrics?range=7d&table=1', 'p99'],
  ['server-off', '/ui/servers/crm', 'INC-377'],
  ['agents', '/ui/people?kind=agents', 'Invoice planner'],
  ['team', '/ui/people/teams/payments', 'Ana Ardent'],
  ['role', '/ui/people/roles/cost-reader', 'costs.read'],
];

const wide = { width: 1440, height: 900 };

/** As the gateway answers when something in it broke. */
const fault = {
  error: 'internal_error',
  message: 'Something in the gateway went wrong.',
  fix: 'Try again; if it stays, send the request id to whoever runs the gateway.',
  docs: 'https://docs.example/faults#internal_error',
  request_id: 'req_0123456789abcdef',
};

describeWith('chromium', 'every page of the dashboard', (chromium) => {
  let traffic: JourneyTraffic;
  let dashboard: TestDashboard;
  let run: JourneyRun;
  let owner: BrowserContext;
  let other: BrowserContext;

  beforeAll(async () => {
    traffic = await startJourneyTraffic();
    dashboard = await startDashboard(chromium, { config: traffic.config });
    run = await traffic.run(dashboard.gateway);
    [owner, other] = [await dashboard.newOwner(), await dashboard.newOwner()];
  });
  afterAll(async () => {
    await dashboard?.stop();
    await traffic?.stop();
    removeGatewayFolders();
  });

  const pathOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_, name: keyof JourneyRun['traces']) => run.traces[name]);

  async function open(path: string, whose = owner): Promise<Page> {
    const page = await dashboard.open(pathOf(path), whose);
    await page.setViewportSize(wide);
    return page;
  }

  async function stand(page: Page, text: string): Promise<void> {
    const main = page.getByRole('main');
    await main.getByText(text).first().waitFor();
    await main
      .getByRole('status', { name: /^Loading/ })
      .first()
      .waitFor({ state: 'detached' });
  }

  async function expectInBothThemesAndAtEveryWidth(page: Page, name: string): Promise<void> {
    await dashboard.look(page, `${name}-light`);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    await page.emulateMedia({ colorScheme: 'dark' });
    await dashboard.look(page, `${name}-dark`, 'dark');
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await walk(page)).toEqual([]);
    await page.setViewportSize({ width: 1024, height: 768 });
    await dashboard.picture(page, `${name}-1024`);
    // As a window of 1440 pixels at twice its size.
    await page.setViewportSize({ width: 720, height: 450 });
    expect(await widthOf(page)).toBeLessThanOrEqual(720);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await widthOf(page)).toBeLessThanOrEqual(320);
    await dashboard.picture(page, `${name}-320`);
    await page.setViewportSize(wide);
  }

  test.each(pages)(
    '%s has bars while it waits; each part that failed says why, with its request, and comes back by a click; what cannot be had anew stays, and is said to be old; in both themes, all of it by keys, at 320 pixels, at twice its size, nothing hard to read in any state',
    async (name, path, text) => {
      const page = await owner.newPage();
      page.on('pageerror', ({ message }) => dashboard.complain(path, message));
      const held: Route[] = [];
      let answers: 'held' | 'failed' | 'real' = 'held';
      // Each refusal of this test is an error to the browser too.
      page.on('console', (message) => {
        if (message.type() === 'error' && answers === 'real') dashboard.complain(path, message.text());
      });
      // Of what the page has given up meanwhile nothing is told.
      const fail = (route: Route): Promise<void> =>
        route.fulfill({ status: 500, contentType: 'application/json', body: JSON.stringify(fault) }).catch(() => undefined);
      await page.route('**/v1/**', (route) => {
        if (answers === 'real' || /\/v1\/me(?:\/capabilities)?(?:\?|$)/.test(route.request().url())) return route.continue();
        if (answers === 'failed') return fail(route);
        held.push(route);
        return undefined;
      });
      await page.setViewportSize(wide);
      await page.goto(`${dashboard.gateway.url}${pathOf(path)}`);
      const main = page.getByRole('main');
      const bars = main.getByRole('status', { name: /^Loading/ });
      await bars.locator('span').first().waitFor();
      await dashboard.lookNow(page, `${name}-loading`, 'main');

      answers = 'failed';
      await Promise.all(held.splice(0).map(fail));
      await bars.first().waitFor({ state: 'detached' });
      await main.getByRole('alert').getByText(fault.message).first().waitFor();
      await main.getByText(fault.request_id).first().waitFor();
      await dashboard.lookNow(page, `${name}-failed`, 'main');

      answers = 'real';
      const again = main.getByRole('button', { name: 'Try again' });
      // Some come back by themselves, while one goes for the button.
      await until(
        async () => {
          if ((await again.count()) === 0) return true;
          await again.first().click({ timeout: 1_000 });
          return false;
        },
        { what: 'the last part that failed' },
      );
      await stand(page, text);
      await expectInBothThemesAndAtEveryWidth(page, name);

      answers = 'failed';
      // What was asked for a moment ago is not asked for again: in this page ten minutes go by. Its clock as Playwright has it would be that of all its neighbours.
      await page.evaluate("{ const now = Date.now; Date.now = () => now() + 600_000; window.dispatchEvent(new Event('visibilitychange')); }");
      await page.getByRole('status').getByText('is not responding').waitFor();
      await stand(page, text);
      await dashboard.lookNow(page, `${name}-stale`, 'header ~ [role=status]');
      await page.close();
    },
  );

  test.each(alike)('%s stands in both themes with nothing hard to read, all of it by keys, at 320 pixels and at twice its size', async (name, path, text) => {
    const page = await open(path);
    await stand(page, text);
    await expectInBothThemesAndAtEveryWidth(page, name);
    await page.close();
  });

  test.each([
    ['/ui/traces?q=status:error&range=7d&cols=time,rail,status,who&peek={failed}', 'cannot be reached'],
    ['/ui/traces/{whole}?tab=response', 'run_report'],
    ['/ui/traces/compare?a={failed}&b={whole}&pair=1', 'different outcome'],
    ['/ui/metrics?q=server:search&range=7d&table=1', 'p99'],
    ['/ui/costs?by=tool', 'warehouse/run_report'],
    ['/ui/servers?find=git', 'github'],
    ['/ui/servers/github?tab=traffic&range=7d', 'Latest failures'],
    ['/ui/servers/search/tools?tool=query', 'Search the documents'],
    ['/ui/keys?find=laptop&status=active', 'laptop of Ben'],
    ['/ui/people?kind=users&find=ana&team=payments', 'Ana Ardent'],
    ['/ui/access?as=user:usr_ana&server=github&name=delete_repo', 'Denied'],
    ['/ui/policies?effect=deny&find=delete&rule=no-deletes', 'Calls it decided'],
    ['/ui/audit?action=key.*&result=success&internal=1', 'key.created'],
    ['/ui/settings?part=masking', 'A body'],
    ['/ui/connect?client=cursor&server=github', 'mcpServers'],
  ])('%s is the same after a reload, by the back key and for whoever is sent it: fields, columns, what is chosen, what is open', async (path, text) => {
    const [page, sent] = await Promise.all([open(path), open(path, other)]);
    await stand(page, text);
    const first = await screenOf(page);
    async function expectSame(shown: Page): Promise<void> {
      await stand(shown, text);
      // What is counted by itself may come a moment later than the rest.
      await until(async () => isDeepStrictEqual(await screenOf(shown), first), { timeoutMs: 10_000 }).catch(() => undefined);
      expect(await screenOf(shown)).toEqual(first);
    }
    await expectSame(sent);
    await Promise.all([sent.close(), page.reload()]);
    await expectSame(page);
    const elsewhere = path.startsWith('/ui/settings') ? 'Keys' : 'Settings';
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: elsewhere }).click();
    await page.getByRole('heading', { level: 1, name: elsewhere }).waitFor();
    await page.goBack();
    await expectSame(page);
    await page.close();
  });

  test.each([
    ['/ui/keys', 'Create a key'],
    ['/ui/policies', 'Create a policy'],
    ['/ui/people', 'Invite a user'],
    ['/ui/traces', 'Columns'],
    ['/ui/keys', 'Search or run'],
    ['/ui/keys', 'account and appearance'],
  ])('on %s "%s" is opened by a key, is not hard to read and gives the focus back', async (path, button) => {
    const page = await open(path);
    await page.getByRole('main').getByRole('grid').waitFor();
    const opener = page.getByRole('button', { name: button }).first();
    await opener.press('Enter');
    const layer = page.getByRole('dialog').or(page.getByRole('menu'));
    await layer.waitFor();
    await dashboard.look(page, `${button.toLowerCase().replaceAll(' ', '-')}-light`);
    await page.keyboard.press('Escape');
    await layer.waitFor({ state: 'detached' });
    await page
      .locator('button:focus', { hasText: button })
      .or(page.locator(`button[aria-label*="${button}"]:focus`))
      .waitFor();
    await page.close();
  });

  test('nothing moves for whoever wants that; where the system says the colours, the bars of a trace and what is chosen are still seen', async () => {
    const live = await open('/ui/traces?live=1');
    await live.getByText('Waiting for the next call').waitFor();
    expect(await live.evaluate<number>('document.getAnimations().length')).toBeGreaterThan(0);
    await live.emulateMedia({ reducedMotion: 'reduce' });
    expect(await live.evaluate<number>('document.getAnimations().length')).toBe(0);
    await live.close();
    const trace = await open('/ui/traces/{whole}');
    await trace.emulateMedia({ forcedColors: 'active' });
    await stand(trace, 'run_report');
    // Grounds are the system's then; the bars of time are nothing but ground.
    const grounds = await trace.evaluate<string[]>(
      `[document.querySelector('[role=tree]').parentElement, ...document.querySelectorAll('[role=treeitem] [style*="left"][style*="width"]')].map((one) => getComputedStyle(one).backgroundColor)`,
    );
    expect(grounds.length).toBeGreaterThan(5);
    expect(grounds.slice(1)).not.toContain(grounds[0]);
    const lines = await trace.evaluate<[string, string][]>(
      `[...document.querySelectorAll('[role=tab]')].map((one) => [one.ariaSelected, getComputedStyle(one).borderBottomColor])`,
    );
    expect(new Set(lines.filter(([chosen]) => chosen !== 'true').map(([, line]) => line))).not.toContain(lines.find(([chosen]) => chosen === 'true')?.[1]);
    await dashboard.picture(trace, 'trace-forced-colours');
    await trace.close();
  });

  test('a chart is drawn in the colours of the theme as soon as the system changes it', async () => {
    const page = await open('/ui/servers/github?tab=traffic&range=7d');
    await stand(page, 'Latest failures');
    // Most of what is drawn is the grid, whatever the figures are.
    const gridOf = (): Promise<string> =>
      page.evaluate<string>(`(() => {
        const { data } = document.querySelector('canvas').getContext('2d').getImageData(0, 0, 400, 160);
        const counts = new Map();
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) counts.set(data.slice(at, at + 3).join(), (counts.get(data.slice(at, at + 3).join()) ?? 0) + 1);
        return [...counts].toSorted((one, other) => other[1] - one[1])[0]?.[0] ?? '';
      })()`);
    await until(async () => (await gridOf()) !== '', { what: 'the grid of a chart' });
    const light = await gridOf();
    await page.emulateMedia({ colorScheme: 'dark' });
    await until(async () => !['', light].includes(await gridOf()), { what: 'the grid in other colours' });
    await dashboard.picture(page, 'server-traffic-changed');
    await page.close();
  });

  test('no page complained of anything', () => expect(dashboard.complaints).toEqual([]));
});
