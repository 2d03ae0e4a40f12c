/** Every page of the dashboard at a gateway that a small company uses: how it looks, at every width, while it waits, when it fails, and by its address. */
import { isDeepStrictEqual } from 'node:util';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PageToSee, startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';

describeWith('chromium', 'every page of the dashboard', (chromium) => {
  let traffic: JourneyTraffic;
  let dashboard: TestDashboard;
  let run: JourneyRun;
  let owner: BrowserContext;

  beforeAll(async () => {
    traffic = await startJourneyTraffic();
    dashboard = await startDashboard(chromium, { config: traffic.config });
    run = await traffic.run(dashboard.gateway);
    owner = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await traffic?.stop();
    removeGatewayFolders();
  });

  const pages = (): readonly PageToSee[] => [
    ['overview', '/ui/', 'Traffic by outcome'],
    ['traces', '/ui/traces?range=7d', 'planner'],
    ['traces-peek', `/ui/traces?range=7d&peek=${run.traces.failed}`, 'cannot be reached'],
    ['trace', `/ui/traces/${run.traces.whole}`, 'run_report'],
    ['trace-refused', `/ui/traces/${run.traces.refused}`, 'delete_repo'],
    ['compare', `/ui/traces/compare?a=${run.traces.failed}&b=${run.traces.whole}`, 'ended differently'],
    ['metrics', '/ui/metrics?range=7d', 'Calls a second'],
    ['metrics-table', '/ui/metrics?range=7d&table=1', 'p99'],
    ['costs', '/ui/costs?by=server', 'warehouse'],
    ['servers', '/ui/servers', 'legacy-erp'],
    ['server', '/ui/servers/search', 'For clients'],
    ['server-off', '/ui/servers/crm', 'INC-377'],
    ['keys', '/ui/keys', 'nightly batch'],
    ['people', '/ui/people', 'Ana Ardent'],
    ['person', '/ui/people/users/usr_ana', 'laptop of Ana'],
    ['team', '/ui/people/teams/payments', 'Ana Ardent'],
    ['agents', '/ui/people?kind=agents', 'Invoice planner'],
    ['role', '/ui/people/roles/cost-reader', 'costs.read'],
    ['invitations', '/ui/people?kind=invitations', 'Nobody is invited'],
    ['access', '/ui/access?as=user:usr_ana&server=github&name=delete_repo', 'Denied'],
    ['identity', '/ui/identity', 'No provider sends users'],
    ['sessions', '/ui/sessions', 'this one'],
    ['policies', '/ui/policies?rule=no-deletes', 'Calls that it decided'],
    ['audit', '/ui/audit', 'verified to'],
    ['settings', '/ui/settings', 'Kept for'],
    ['settings-masking', '/ui/settings?part=masking', 'A body'],
    ['settings-export', '/ui/settings?part=export', 'No target yet'],
    ['settings-configuration', '/ui/settings?part=configuration', 'gateway.yaml'],
    ['settings-about', '/ui/settings?part=about', 'How its parts are'],
    ['connect', '/ui/connect', 'Connect an agent'],
  ];

  const stands = async (page: Page, text: string): Promise<void> => page.getByRole('main').getByText(text).first().waitFor({ timeout: 20_000 });

  test(
    'every page stands in both themes, complains of nothing, has no serious fault of accessibility, one title, and all of it by keys; at 320 pixels and at 200 % nothing is cut off',
    { timeout: 480_000 },
    async () => {
      const found: string[] = [];
      for (const [name, path, text] of pages()) {
        const page = await dashboard.open(path, owner);
        await page.setViewportSize({ width: 1440, height: 900 });
        await stands(page, text).catch(() => found.push(`${name} does not stand`));
        await dashboard.look(page, `${name}-light`).catch((error: unknown) => found.push(detailOf(error)));
        const titles = await page.getByRole('heading', { level: 1 }).count();
        if (titles !== 1) found.push(`${name} has ${titles} titles`);
        await page.emulateMedia({ colorScheme: 'dark' });
        await dashboard.look(page, `${name}-dark`, 'dark').catch((error: unknown) => found.push(detailOf(error)));
        await page.emulateMedia({ colorScheme: 'light' });
        for (const fault of await walk(page)) found.push(`${name}: ${fault}`);
        await page.setViewportSize({ width: 1024, height: 768 });
        await dashboard.picture(page, `${name}-1024`);
        await page.setViewportSize({ width: 320, height: 640 });
        const width = await page.evaluate<number>(widthOfPage);
        if (width > 320) found.push(`${name} is ${width} wide at 320`);
        await dashboard.picture(page, `${name}-320`);
        await page.close();
      }
      expect([...found, ...dashboard.complaints]).toEqual([]);
    },
  );

  test(
    'a reload, the back key and whoever is sent the address see the same: filters, columns, what is chosen and what is open beside it',
    { timeout: 300_000 },
    async () => {
      const { gateway } = dashboard;
      const listed = await post(`${gateway.url}/v1/auth/keys?search=${encodeURIComponent('laptop of Ana')}`, undefined, { key: gateway.apiKey });
      const [key] = (JSON.parse(listed.text) as { keys: { id: string }[] }).keys;
      const addresses: readonly (readonly [path: string, text: string])[] = [
        [`/ui/traces?q=status:error&range=7d&cols=time,rail,status,who&peek=${run.traces.failed}`, 'cannot be reached'],
        [`/ui/traces/${run.traces.whole}?tab=response`, 'run_report'],
        [`/ui/traces/compare?a=${run.traces.failed}&b=${run.traces.whole}&pair=1`, 'ended differently'],
        ['/ui/metrics?q=server:search&range=7d&table=1', 'p99'],
        ['/ui/costs?by=tool', 'warehouse/run_report'],
        ['/ui/servers?find=git', 'github'],
        [`/ui/keys?find=laptop&status=active&key=${key?.id ?? ''}`, 'laptop of Ben'],
        ['/ui/people?kind=users&find=ana&team=payments', 'Ana Ardent'],
        ['/ui/access?as=user:usr_ana&server=github&name=delete_repo', 'Denied'],
        ['/ui/policies?effect=deny&find=delete&rule=no-deletes', 'Calls that it decided'],
        ['/ui/audit?action=key.*&result=success&internal=1', 'key.created'],
        ['/ui/settings?part=masking', 'A body'],
        ['/ui/connect?client=cursor&server=github', 'mcpServers'],
      ];
      const other = await dashboard.newOwner();
      const found: string[] = [];
      const screenOf = async (page: Page, text: string): Promise<unknown> => {
        await stands(page, text);
        await page
          .getByRole('main')
          .getByRole('status', { name: /^Loading/ })
          .first()
          .waitFor({ state: 'detached' });
        return page.evaluate(screen);
      };
      for (const [path, text] of addresses) {
        const page = await dashboard.open(path, owner);
        await page.setViewportSize({ width: 1440, height: 900 });
        const first = await screenOf(page, text);
        const same = async (what: string, shown: Page): Promise<void> => {
          // What is counted by itself may come a moment later than the rest.
          await until(async () => isDeepStrictEqual(await screenOf(shown, text), first), { timeoutMs: 10_000, everyMs: 200 }).catch(async () =>
            found.push(`${path} ${what}: ${JSON.stringify(await shown.evaluate(screen))} is not ${JSON.stringify(first)}`),
          );
        };
        await page.reload();
        await same('after a reload', page);
        await page
          .getByRole('navigation', { name: 'Pages' })
          .getByRole('link', { name: path.startsWith('/ui/settings') ? 'Keys' : 'Settings' })
          .click();
        await page.waitForURL((url) => !url.href.endsWith(path));
        await page.goBack();
        await same('after going back', page);
        await page.close();
        const sent = await dashboard.open(path, other);
        await sent.setViewportSize({ width: 1440, height: 900 });
        await same('of another browser', sent);
        await sent.close();
      }
      await other.close();
      expect(found).toEqual([]);
    },
  );

  test('what was opened by keys gives the focus back; nothing moves for whoever wants that', { timeout: 300_000 }, async () => {
    const found: string[] = [];
    for (const [path, button] of [
      ['/ui/keys', 'Create a key'],
      ['/ui/policies', 'Create a policy'],
      ['/ui/people', 'Invite a user'],
      ['/ui/traces', 'Columns'],
    ] as const) {
      const page = await dashboard.open(path, owner);
      const opens = page.getByRole('main').getByRole('button', { name: button });
      await page.getByRole('main').getByRole('grid').waitFor();
      await opens.press('Enter');
      const layer = page.getByRole('dialog').or(page.getByRole('menu')).first();
      await layer.waitFor();
      await dashboard.look(page, `${button.toLowerCase().replaceAll(' ', '-')}-light`).catch((error: unknown) => found.push(detailOf(error)));
      await page.keyboard.press('Escape');
      await layer.waitFor({ state: 'detached' });
      await until(async () => (await page.evaluate<string>("document.activeElement?.textContent ?? ''")).includes(button), { timeoutMs: 5_000 }).catch(() =>
        found.push(`${path}: the focus is lost after ${button}`),
      );
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Search or run' }).waitFor();
      await page.keyboard.press('Escape');
      await page.close();
    }

    const live = await dashboard.open('/ui/traces?live=1', owner);
    await live.getByText('Waiting for the next call').waitFor();
    expect(await live.evaluate<number>('document.getAnimations().length')).toBeGreaterThan(0);
    await live.emulateMedia({ reducedMotion: 'reduce' });
    expect(await live.evaluate<number>('document.getAnimations().length')).toBe(0);
    await live.close();
    for (const path of ['/ui/', '/ui/traces?range=7d', `/ui/traces/${run.traces.whole}`]) {
      const page = await dashboard.open(path, owner);
      await page.emulateMedia({ forcedColors: 'active' });
      await page.getByRole('main').getByText('search').first().waitFor();
      await dashboard.picture(page, `forced-colours${path.replaceAll(/\W/g, '-').slice(0, 20)}`);
      await page.close();
    }
    expect([...found, ...dashboard.complaints]).toEqual([]);
  });

  test(
    'every page shows bars while it waits, names each part that failed with its request and what to do, comes back by a click, and keeps what it has when it cannot be had anew',
    { timeout: 480_000 },
    async () => {
      const found: string[] = [];
      for (const [name, path, text] of pages()) {
        if (asksNothing.has(name)) continue;
        const page = await owner.newPage();
        page.on('pageerror', (error) => found.push(`${name}: ${error.message}`));
        const held: Route[] = [];
        let answers: 'held' | 'failed' | 'real' = 'held';
        const fail = (route: Route): Promise<void> =>
          route.fulfill({ status: 500, contentType: 'application/json', body: JSON.stringify(fault) }).catch(() => undefined);
        await page.route('**/v1/**', (route) => {
          if (answers === 'real' || /\/v1\/me(?:\/capabilities)?(?:\?|$)/.test(route.request().url())) return route.continue();
          if (answers === 'failed') return fail(route);
          held.push(route);
          return undefined;
        });
        const step = async (what: string, done: () => Promise<unknown>): Promise<void> => {
          await done().catch((error: Error) => found.push(`${name} ${what}: ${error.message.split('\n')[0] ?? ''}`));
        };
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(`${dashboard.gateway.url}${path}`);
        const main = page.getByRole('main');
        const waits = main.getByRole('status', { name: /^Loading/ });
        await step('shows no bars', () => waits.locator('span').first().waitFor({ timeout: 10_000 }));
        await dashboard.picture(page, `${name}-loading`);
        answers = 'failed';
        await Promise.all(held.splice(0).map(fail));
        await step('still waits after the failure', () => until(async () => (await waits.count()) === 0, { timeoutMs: 20_000, what: 'the end of waiting' }));
        await step('says nothing of the failure', () => main.getByRole('alert').getByText(fault.message).first().waitFor({ timeout: 10_000 }));
        await step('says no request', () => main.getByText(fault.request_id).first().waitFor({ timeout: 5_000 }));
        await dashboard.picture(page, `${name}-failed`);
        answers = 'real';
        const again = main.getByRole('button', { name: 'Try again' });
        await step('does not come back', async () => {
          await until(
            async () => {
              if ((await again.count()) === 0) return true;
              await again.first().click({ timeout: 5_000 });
              return false;
            },
            { timeoutMs: 20_000, everyMs: 250, what: 'the last failed part' },
          );
          await stands(page, text);
        });
        answers = 'failed';
        const old = page.getByRole('status').getByText('did not answer');
        let minutes = 0;
        await step('does not say that it is old', () =>
          until(
            async () => {
              if ((await old.count()) > 0) return true;
              // What was asked for a moment ago is not asked for again.
              await page.clock.setFixedTime(Date.now() + (minutes += 2) * 60_000);
              await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))");
              return false;
            },
            { timeoutMs: 15_000, everyMs: 500, what: 'the bar' },
          ),
        );
        await step('lost what it had', () => stands(page, text));
        await dashboard.picture(page, `${name}-stale`);
        await page.close();
      }
      expect(found).toEqual([]);
    },
  );
});

const widthOfPage = "Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)";

/** What somebody sees to have been set: by it two screens are the same. Figures and times go on, and are no part of it. */
const screen = `(() => {
  const main = document.querySelector('main');
  const texts = (selector) => [...main.querySelectorAll(selector)].map((one) => (one.querySelector('[role=gridcell], th') ?? one).textContent.trim());
  return {
    address: location.pathname + location.search,
    fields: [...main.querySelectorAll('input, select, textarea')].map((one) => one.type === 'checkbox' ? one.checked : one.value),
    columns: texts('[role=columnheader], thead th'),
    chosen: texts('[aria-selected=true], [aria-current], [aria-pressed=true]'),
    beside: [...main.querySelectorAll('aside, [role=tabpanel]')].map((one) => one.getAttribute('aria-label')),
    headings: texts('h1'),
  };
})()`;

/** How the test tells one thing that takes the focus from another. */
const idOf =
  "(one) => one.tagName.toLowerCase() + ' ' + [...document.querySelectorAll(one.tagName)].indexOf(one) + ' ' + (one.ariaLabel ?? one.textContent ?? '').trim().slice(0, 30)";
const focused = `(() => {
  const at = document.activeElement;
  if (at === null || at === document.body) return null;
  // A field without a frame of its own has that of what it stands in.
  const ring = [at, at.parentElement, at.parentElement?.parentElement].some((one) => one && getComputedStyle(one).outlineStyle !== 'none' && parseFloat(getComputedStyle(one).outlineWidth) > 0);
  const labels = [...(at.labels ?? [])].map((label) => label.textContent).join(' ');
  return { id: (${idOf})(at), seen: ring, name: (at.ariaLabel ?? '') + labels + (at.textContent ?? '') + (at.title ?? '') };
})()`;
/** What can be done on the page now, and is no row of a list that is walked by arrows or letters. */
const reachable = `[...document.querySelectorAll('main button, main a[href], main input, main select, main textarea, main [tabindex="0"]')]
  .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }) && !one.closest('[aria-hidden=true], [inert]') && one.getBoundingClientRect().width > 1)
  .map(${idOf})`;

/** Goes through the page by the keyboard alone: everything that can be done is reached, has a name, and is seen to have the focus. */
async function walk(page: Page): Promise<string[]> {
  const faults: string[] = [];
  const reached = new Set<string>();
  while (reached.size < stepsMax) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate<{ id: string; seen: boolean; name: string } | null>(focused);
    if (at === null || reached.has(at.id)) break;
    reached.add(at.id);
    if (!at.seen) faults.push(`nobody sees that the focus is at ${at.id}`);
    if (at.name === '') faults.push(`${at.id} has no name`);
  }
  const missed = (await page.evaluate<string[]>(reachable)).filter((id) => !reached.has(id));
  if (missed.length > 0 && reached.size < stepsMax) faults.push(`keys do not reach ${missed.join(', ')}`);
  return faults;
}

/** A page on which more can be done is walked no further. */
const stepsMax = 120;

/** As the gateway answers when something in it broke. */
const fault = {
  error: 'internal_error',
  message: 'Something in the gateway went wrong.',
  fix: 'Try again; if it stays, send the request id to whoever runs the gateway.',
  docs: 'https://docs.example/faults#internal_error',
  request_id: 'req_0123456789abcdef',
};

/** Pages that show what the browser keeps, or what another of them shows too. */
const asksNothing = new Set(['traces-peek', 'trace-refused', 'metrics-table', 'server-off', 'team', 'agents', 'role']);

/** What was found on the page, not only that something was. */
function detailOf(error: unknown): string {
  return error instanceof Error && 'actual' in error ? JSON.stringify(error.actual) : String(error);
}
