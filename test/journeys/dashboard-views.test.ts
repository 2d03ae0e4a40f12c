/** The list of traces as people make it their own: a real browser at a real gateway that a small company uses. */
import { readFileSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { ledgerCount } from '../support/ledger-rows.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'the list of traces', (chromium) => {
  let traffic: JourneyTraffic;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    traffic = await startJourneyTraffic();
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

  const countTraces = (days: number, where = '1'): Promise<number> =>
    ledgerCount(gateway.stateFolder, `SELECT uniqExact(trace_id) FROM calls WHERE started_at > now() - INTERVAL ${days} DAY AND ${where}`);
  /** Of the list, drawn or not. */
  const rows = async (page: Page): Promise<number> => Number(await page.getByRole('grid').getAttribute('aria-rowcount')) - 1;

  /** Somebody else changes the view, which was as `version` says. */
  async function theirs(change: object, id: string | null, version: number): Promise<void> {
    const answer = await post(`${gateway.url}/v1/views/${id}`, change, { method: 'PATCH', key: gateway.apiKey, headers: { 'if-match': `"${version}"` } });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
  }

  const open = (path: string): Promise<Page> => dashboard.open(path, person);
  const headers = (page: Page): Promise<string[]> => page.getByRole('columnheader').allTextContents();

  test('a view keeps query, columns and range under its name: edited it says so, goes back, is updated, shared, and gone; what somebody else did meanwhile is said first', async () => {
    const page = await open('/ui/traces?q=status%3Aerror&range=6h&cols=time,what,status,team');
    await page.getByRole('grid').waitFor();
    const columns = await headers(page);
    await page.getByRole('button', { name: 'Save view' }).click();
    await page.getByLabel('Name').fill('Failing');
    await page.getByLabel('Visible to').selectOption('everyone');
    await page.getByRole('button', { name: 'Save the view' }).click();
    await page.waitForURL(/view=view_/);
    const views = page.getByRole('navigation', { name: 'Saved views' });
    const failing = views.getByRole('link', { name: /^Failing/ });
    await failing.getByLabel('shared').waitFor();
    const id = new URL(page.url()).searchParams.get('view');
    await dashboard.look(page, 'traces-view');

    await views.getByRole('link', { name: 'All traces' }).click();
    await page.waitForURL((url) => !url.searchParams.has('q') && !url.searchParams.has('view'));
    expect(await headers(page)).not.toEqual(columns);

    // Its link alone, with what is to differ from it.
    await page.goto(`${gateway.url}/ui/traces?view=${id}&q=server%3Agithub`);
    await page.waitForURL(/range=6h/);
    await until(async () => (await headers(page)).join() === columns.join(), { what: 'the columns of the view' });
    await failing.getByText('edited').waitFor();
    await page.reload();
    await failing.getByText('edited').waitFor();
    await page.getByRole('button', { name: 'Reset to view' }).click();
    await page.waitForURL(/q=status%3Aerror/);
    await failing.getByText('edited').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Clear the query' }).click();
    await theirs({ state: { q: 'status:error', cols: 'time,what,status,team', range: '24h' } }, id, 1);
    await page.getByRole('button', { name: 'Update' }).click();
    const met = page.getByRole('alert', { name: 'Changed in the meantime' });
    await met.getByRole('row', { name: /Range/ }).getByText('24h').waitFor();
    await dashboard.look(page, 'traces-view-met');
    // Their range stays theirs, and what one has cleared oneself is cleared.
    await met.getByRole('button', { name: 'Apply mine on top' }).click();
    await page.waitForURL((url) => url.searchParams.get('range') === '24h' && !url.searchParams.has('q'));
    await page.getByRole('button', { name: 'Update' }).click();
    await failing.getByText('edited').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'More actions for the view Failing' }).click();
    await page.getByRole('menuitem', { name: 'Rename or share…' }).click();
    await page.getByLabel('Name').fill('Of six hours');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await views.getByRole('link', { name: /^Of six hours/ }).waitFor();

    await page.goto(`${gateway.url}/ui/`);
    await page.getByRole('button', { name: /Search or run/ }).click();
    await page.getByRole('combobox', { name: 'Search or run' }).fill('of six');
    await page.getByRole('option', { name: /Of six hours/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('view') === id && url.searchParams.get('range') === '24h');
    await page.getByRole('button', { name: 'More actions for the view Of six hours' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await theirs({ name: 'Of a day' }, id, 4);
    await page.getByRole('button', { name: 'Delete the view' }).click();
    await page.getByRole('button', { name: 'Delete it as it is now' }).click();
    await page.getByRole('button', { name: 'Delete the view' }).click();
    await page.waitForURL((url) => !url.searchParams.has('view'));
    await page.goto(`${gateway.url}/ui/traces?view=${id}`);
    await page.getByText('The view in this address does not exist').waitFor();
    await page.close();
  });

  test('what a view says that is known no more is left out and said, and the rest of it holds', async () => {
    const made = await post(
      `${gateway.url}/v1/views`,
      { page: 'traces', name: 'Old', state: { q: 'server:github nonsense:(x', range: '7d', cols: 'time,what,mood', colour: 'blue' }, shared_with: 'everyone' },
      { key: gateway.apiKey },
    );
    expect(made.status).toBe(201);
    const page = await open('/ui/traces');
    await page.getByRole('link', { name: 'Old' }).click();
    await page.getByText('Ignored, as it no longer exists').getByText('colour, the column mood').waitFor();
    await page.waitForURL(/range=7d/);
    await page.getByRole('button', { name: 'Search without nonsense:(x' }).click();
    const ofServer = await countTraces(7, "server = 'github'");
    await until(async () => (await rows(page)) === ofServer, { what: 'the traces of the server' });
    expect(await headers(page)).toEqual(['', 'Time', 'Server · tool']);
    await page.close();
  });

  test('a row names the call that ended its trace, has room for its state on every screen, and a menu of what can be done with it', async () => {
    const page = await open('/ui/traces?q=server%3Alegacy-erp');
    const failed = page.getByRole('row').filter({ hasText: 'legacy-erp · post_entry in search · query +1' });
    await failed.first().waitFor();
    expect(await failed.count()).toBe(await countTraces(1, "server = 'legacy-erp'"));
    for (const [width, gone] of [
      [1024, 'Client'],
      [320, 'Duration'],
    ] as const) {
      await page.setViewportSize({ width, height: 720 });
      await page.getByText(new RegExp(`no room for .*${gone}`)).waitFor();
      const box = await failed.first().getByText('error').first().boundingBox();
      expect((box?.x ?? width) + (box?.width ?? 0)).toBeLessThan(width);
      await dashboard.look(page, `traces-${String(width)}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole('button', { name: 'Clear the query' }).click();
    // A filter that somebody always looks at comes first, in this browser.
    await page.getByRole('button', { name: 'Pin Tool' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Pin Tool', pressed: true }).waitFor();
    await page.getByRole('grid').waitFor();
    expect(await page.getByRole('complementary', { name: 'Filters' }).getByRole('group').first().textContent()).toMatch(/^Tool/);
    await page.keyboard.press('j');
    await page.keyboard.press('.');
    await page.getByRole('menu').waitFor();
    await dashboard.look(page, 'traces-row-menu');
    await page.getByRole('menuitem', { name: 'Only server crm' }).click();
    await page.waitForURL(/q=server%3Acrm/);
    await person.grantPermissions(['clipboard-read', 'clipboard-write']);
    const copied = (): Promise<string> => page.evaluate<string>('navigator.clipboard.readText()');
    await page.keyboard.press('c');
    await page.getByRole('button', { name: 'Always the last 24 hours' }).waitFor();
    await page.keyboard.press('Enter');
    await until(async () => (await copied()) === page.url(), { what: 'the link that moves on with time' });
    await page.keyboard.press('c');
    await page.getByRole('button', { name: 'Exactly this moment' }).click();
    await until(async () => /[?&]from=[^&]+&to=/.test(await copied()), { what: 'the link that stays' });
    // What means two moments already is copied as it is.
    await page.goto(await copied());
    await page.getByRole('grid').waitFor();
    await page.keyboard.press('c');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.close();
  });

  test('an empty list says which filter keeps most away, and an export has the columns shown, in the order to which they were dragged', async () => {
    const before = dashboard.complaints.length;
    const page = await open('/ui/traces?q=server%3Alegacy-erp+status%3Ablocked&cols=what,status');
    const [all, ofServer] = [await countTraces(1), await countTraces(1, "server = 'legacy-erp'")];
    await page.getByText(`0 of ${all} traces of the last 24 hours match the query`).waitFor();
    // Of what is refused there is more than of what a server was asked that cannot be reached.
    await page.getByRole('button', { name: /^remove server:legacy-erp → / }).waitFor();
    expect(await page.getByRole('button', { name: /^remove / }).allTextContents()).toEqual([
      `remove server:legacy-erp → ${await countTraces(1, "status = 'blocked'")}`,
      `remove status:blocked → ${ofServer}`,
    ]);
    await page.getByRole('button', { name: 'remove status:blocked' }).click();
    await page.waitForURL((url) => url.searchParams.get('q') === 'server:legacy-erp');
    await page.getByRole('grid').waitFor();
    await page.getByRole('button', { name: 'Columns' }).click();
    const chooser = page.getByRole('dialog', { name: 'Columns' });
    await chooser.getByText('Status', { exact: true }).dragTo(chooser.getByText('Server · tool', { exact: true }));
    await page.waitForURL((url) => url.searchParams.get('cols') === 'status,what');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('button', { name: 'Create the file' }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Save the file' }).click()]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines[0]?.trim()).toBe('status,fault,server,tool,operation');
    expect(lines.slice(1).map((line) => line.split(',').slice(2, 4).join())).toEqual(Array.from({ length: ofServer }, () => 'legacy-erp,post_entry'));
    expect(dashboard.complaints.slice(before)).toEqual([]);
    await page.close();
  });

  test('what a call asked and was answered is read: headers, what is masked and why, an answer as people read it; one that failed beside its last success', async () => {
    const page = await open('/ui/traces?q=tool%3Apost_entry');
    await page.getByRole('row').nth(1).click();
    const peek = page.getByRole('complementary', { name: 'The trace' });
    await peek.getByRole('treeitem', { name: /query/ }).click();
    await peek.getByRole('tab', { name: 'Request' }).click();
    await peek.getByText('/params/arguments/password by field').waitFor();
    await peek.getByRole('region', { name: 'Headers' }).getByText('Claude-Code/1.4.0').waitFor();
    await peek.getByRole('button', { name: 'Check against the schema' }).click();
    await peek.getByText('Valid against the current schema of query, masked values aside.').waitFor();
    await dashboard.look(page, 'traces-peek-request');
    // By keys: the line, then what stands in it.
    await person.grantPermissions(['clipboard-read', 'clipboard-write']);
    const shown = peek.getByRole('region', { name: 'JSON' });
    await shown.focus();
    for (let line = 0; line < 40 && (await shown.getByTitle('Copy the path /params/arguments/teams/0/name').count()) === 0; line += 1)
      await page.keyboard.press('ArrowDown');
    await shown.getByTitle('Copy the path /params/arguments/teams/0/name').click();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe('/params/arguments/teams/0/name');
    await shown.getByRole('button', { name: 'Copy the value' }).click();
    await until(async () => (await page.evaluate<string>('navigator.clipboard.readText()')) === 'finance', { what: 'the value' });

    await peek.getByRole('tab', { name: 'Response' }).click();
    await peek.getByText('Revenue of the third quarter\nof all teams').waitFor();
    await peek.getByText('Structured content').waitFor();
    await dashboard.look(page, 'traces-peek-response');
    await peek.getByRole('button', { name: 'Raw' }).click();
    await peek.getByText('"structuredContent"').waitFor();

    // As wide as somebody likes it, in this browser.
    const edge = peek.getByRole('separator', { name: 'Width of the trace' });
    const before = (await peek.boundingBox())?.width ?? 0;
    await edge.press('ArrowLeft');
    await until(async () => (await peek.boundingBox())?.width === before + 40, { what: 'a wider panel' });
    await page.reload();
    await until(async () => (await peek.boundingBox())?.width === before + 40, { what: 'the same after a reload' });
    await page.keyboard.press('Escape');

    await page.goto(`${gateway.url}/ui/traces?q=tool%3Acreate_issue+status%3Aerror`);
    await page.getByRole('row').nth(1).click();
    await peek.getByRole('button', { name: 'Compare with last success' }).click();
    await page.waitForURL(/traces\/compare\?a=tr_[^&]+&b=tr_/);
    await page.getByRole('heading', { name: 'Compare two traces' }).waitFor();
    await page.goto(`${gateway.url}/ui/traces?q=tool%3Apost_entry`);
    await page.getByRole('row').nth(1).click();
    await peek.getByRole('button', { name: 'Compare with last success' }).click();
    await peek.getByText('No other call of post_entry succeeded in the week before.').waitFor();
    await page.close();
  });
});
