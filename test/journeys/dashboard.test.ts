/** The dashboard as people use it: a real browser at a real gateway that a small company uses. */
import { execFileSync } from 'node:child_process';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { ledgerCount } from '../support/ledger-rows.ts';
import { until } from '../support/poll.ts';
import { type Answer, post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'the dashboard', (chromium) => {
  let traffic: JourneyTraffic;
  let run: JourneyRun;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    traffic = await startJourneyTraffic();
    dashboard = await startDashboard(chromium, { config: traffic.config });
    ({ gateway } = dashboard);
    run = await traffic.run(gateway);
    person = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await traffic?.stop();
    removeGatewayFolders();
  });

  const search = (tool: string, key = gateway.apiKey): Promise<Answer> =>
    post(`${gateway.url}/v1/mcp/search/tools/call`, { tool, arguments: { q: 'now' } }, { key });

  const open = (path: string, whose = person): Promise<Page> => dashboard.open(path, whose);

  test('by keys alone: to the traces, down the list, one beside it; the address holds it all', async () => {
    const page = await open('/ui/');
    await page.getByText('Traffic by outcome').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.getByRole('grid').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'The trace' }).getByRole('tablist').waitFor();
    const peeked = new URL(page.url()).searchParams.get('peek');
    expect(peeked).toMatch(/^tr_/);
    // A reload, and whoever is sent the address, sees the same.
    await page.reload();
    await page.getByRole('complementary', { name: 'The trace' }).getByRole('tablist').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary', { name: 'The trace' }).waitFor({ state: 'detached' });
    await page.goBack();
    await page.getByRole('complementary', { name: 'The trace' }).waitFor();
    await page.close();
  });

  test('times are those of where one is, in UTC after one key, and stay so', async () => {
    const page = await open('/ui/traces');
    const zone = await person.newCDPSession(page);
    await zone.send('Emulation.setTimezoneOverride', { timezoneId: 'Asia/Kathmandu' });
    await page.reload();
    const first = page.getByRole('grid').locator('time').first();
    const title = async (): Promise<string> => (await first.getAttribute('title')) ?? '';
    expect(await title()).toMatch(/ GMT\+5:45$/);
    await page.keyboard.press('u');
    await until(async () => (await title()).endsWith(' UTC'), { what: 'the times in UTC' });
    await page.reload();
    expect(await title()).toMatch(/ UTC$/);
    const moment = (await first.getAttribute('datetime')) ?? '';
    expect(Date.parse((await title()).replace(/ UTC$/, 'Z').replace(' ', 'T'))).toBe(Math.floor(Date.parse(moment)));
    await page.keyboard.press('u');
    await until(async () => (await title()).endsWith(' GMT+5:45'), { what: 'the times of here' });
    await page.close();
  });

  test('a query is written, completed, refused at its place, and taken apart again', async () => {
    const page = await open('/ui/traces');
    await page.getByRole('grid').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('status:error');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=status%3Aerror/);
    const rows = async (): Promise<number> => Number(await page.getByRole('grid').getAttribute('aria-rowcount')) - 1;
    const failed = await ledgerCount(
      gateway.stateFolder,
      "SELECT uniqExact(trace_id) FROM calls WHERE started_at > now() - INTERVAL 1 DAY AND status = 'error'",
    );
    await until(async () => (await rows()) === failed, { what: 'the traces that failed' });
    await page.keyboard.press('End');
    await page.keyboard.type(' server:(');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('column').waitFor();
    // What is not understood hides nothing that was there.
    expect(await rows()).toBe(failed);
    await page.getByRole('button', { name: 'Clear the query' }).click();
    await page.waitForURL((url) => !url.searchParams.has('q'));
    // So is a range of time, in words.
    await page.getByRole('main').click({ position: { x: 2, y: 2 } });
    await page.keyboard.press('t');
    await page.getByLabel('In words').fill('yesterday of all');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('not understood').waitFor();
    await page.getByLabel('In words').fill('yesterday 9am to 11am');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => Date.parse(url.searchParams.get('to') ?? '') - Date.parse(url.searchParams.get('from') ?? '') === 7_200_000);
    // Two moments are those of the zone that is chosen there.
    await page.keyboard.press('t');
    await page.getByRole('group', { name: 'Times are' }).getByRole('button', { name: 'UTC' }).click();
    await dashboard.lookNow(page, 'range-of-time', '[role=dialog]');
    await page.getByLabel('From (UTC)').fill('2026-01-02T03:04:05');
    await page.getByLabel('To (UTC)').fill('2026-01-02T04:04:05');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get('from') === '2026-01-02T03:04:05.000Z' && url.searchParams.get('to') === '2026-01-02T04:04:05.000Z');
    await page.keyboard.press('u');
    await page.close();
  });

  test('two steps from a server that fails to the stop where its calls end, with what was asked, masked', async () => {
    const page = await open('/ui/');
    await page
      .getByRole('row', { name: /legacy-erp/ })
      .getByText('100 %')
      .click();
    await page.getByRole('grid').waitFor();
    await page.getByRole('row').nth(1).click();
    const trace = page.getByRole('complementary', { name: 'The trace' });
    await trace.getByText('The MCP server legacy-erp cannot be reached.').first().waitFor();
    await page.close();

    const whole = await open(`/ui/traces/${run.traces.failed}?tab=request`);
    // What was asked before, of a server that answered.
    await whole.getByRole('treeitem', { name: /query/ }).click();
    await whole.getByText('who owns erp').first().waitFor();
    expect(await whole.content()).not.toContain('hunter2');
    await whole.getByText('masked').first().waitFor();
    // The call is made again by what is copied, without the key in it.
    await person.grantPermissions(['clipboard-read', 'clipboard-write']);
    await whole.getByRole('button', { name: 'Copy as' }).click();
    await whole.getByRole('menuitem', { name: 'cURL' }).click();
    const command = await until(async () => /^curl .*/su.exec(await whole.evaluate<string>('navigator.clipboard.readText()'))?.[0], { what: 'the command' });
    expect(command).not.toContain(gateway.apiKey);
    const words = execFileSync('sh', ['-c', command.replace(/^curl/, String.raw`printf '%s\0'`)], { encoding: 'utf8' }).split('\0');
    const again = await post(words[0] ?? '', words[6] ?? '', { key: gateway.apiKey });
    expect([again.status, again.text.includes('Revenue of the third quarter')]).toEqual([200, true]);
    await dashboard.picture(whole, 'trace-light');
    // How fast it was among the calls of its tool that were made before.
    await whole.getByRole('tab', { name: 'Summary' }).click();
    await whole.getByText(/^slower than \d{1,2} % of its calls$/).waitFor();
    await dashboard.look(whole, 'trace-summary-light');
    await whole.close();
  });

  test('calls appear as they end; while the stream is lost, the shell says to when what came of it reaches', async () => {
    const page = await person.newPage();
    await page.route('**/v1/stream*', (route) => route.abort());
    await page.goto(`${gateway.url}/ui/traces?live=1`);
    const lost = page.getByRole('status').getByText(/^▲ Live stream reconnecting… data to \d\d:\d\d:\d\d/);
    await lost.waitFor();
    await dashboard.lookNow(page, 'live-lost', 'header ~ [role=status]');
    await page.unroute('**/v1/stream*');
    await lost.waitFor({ state: 'detached' });
    await page.getByText('Waiting for the next call').waitFor();
    await until(
      async () => {
        await search('live');
        return (await page.getByText('live', { exact: true }).count()) > 0;
      },
      { what: 'the call in the live list', timeoutMs: 30_000 },
    );
    await page.close();
  });

  test('a key is made, shown once behind a guard, used, and revoked', async () => {
    const page = await open('/ui/keys');
    await page.getByRole('button', { name: 'Create a key' }).click();
    await page.getByLabel('Name').fill('from the dashboard');
    await page.getByRole('button', { name: 'Create the key' }).click();
    const secret = (await page.locator('[data-secret]').innerText()).trim();
    expect(secret).toMatch(/^gwo_/);
    expect((await search('query', secret)).status).toBe(200);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('It cannot be shown again').waitFor();
    await page.getByText('I have saved it').click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('[data-secret]').waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(secret);

    await page.getByLabel('Use').selectOption('90');
    await page.getByText('No keys match').waitFor();
    await page.getByRole('button', { name: 'Show all keys' }).click();
    await page.getByRole('grid').getByText('from the dashboard').click();
    // One that leaked has no day of grace.
    await page.getByLabel('After rotation the old secret').selectOption('is refused at once');
    await page.getByRole('button', { name: 'Rotate the secret' }).click();
    const rotated = (await page.locator('[data-secret]').innerText()).trim();
    expect([(await search('query', secret)).status, (await search('query', rotated)).status]).toEqual([401, 200]);
    await page.getByText('I have saved it').click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('link', { name: 'open it' }).waitFor();
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByText(/^2 calls in the last hour use it/).waitFor();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    expect((await search('query', rotated)).status).toBe(401);
    await page.close();
  });

  test('a server is tested, switched off with a reason, and on again', async () => {
    const page = await open('/ui/servers/search');
    await page.getByRole('button', { name: 'Connect and test' }).click();
    await page.getByText('It answers, with 2 tools').waitFor();
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByLabel('Reason').fill('INC-412');
    await page.getByRole('button', { name: 'Disable the server' }).click();
    await page.getByText('Switched off by').waitFor();
    expect((await search('query')).status).toBeGreaterThanOrEqual(400);
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByText('Switched off by').waitFor({ state: 'detached' });
    expect((await search('query')).status).toBe(200);
    await page.close();
  });

  test('what was done here stands in the audit, with what was before and after; a link opens an event of any time; where the record is not whole, it says which places', async () => {
    const page = await open('/ui/audit?action=key.*');
    await page.getByRole('grid').getByText('key.created').first().click();
    const event = page.getByRole('complementary', { name: 'The event' });
    await event.getByText('What changed').or(event.getByText('The record')).first().waitFor();
    await page.waitForURL(/event=/);
    const address = new URL(page.url());
    address.searchParams.set('action', 'nothing.*');
    await page.goto(address.href);
    await event.getByRole('heading', { name: 'key.created' }).waitFor();
    await page.getByText(/^verified to #\d+, /).waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    const file = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: /^JSON lines/ }).click();
    expect((await file).suggestedFilename()).toMatch(/\.jsonl$/);
    // Nobody can change the record of a running gateway from here: what the check finds is told as if it had found it.
    await page.route('**/v1/audit/verify*', async (route) => {
      const answer = await route.fetch();
      const { verification } = (await answer.json()) as { verification: object };
      const findings = [{ kind: 'edited', chain: 'events', from: 3, to: 4, text: 'It is not as it was written.' }];
      await route.fulfill({ response: answer, json: { verification: { ...verification, ok: false, findings } } });
    });
    await page.getByRole('button', { name: 'Verify again' }).click();
    await page.getByRole('alert').getByText('edited #3–#4').waitFor();
    await page.getByRole('alert').getByText('When it is not whole').waitFor();
    await dashboard.look(page, 'audit-not-whole-light');
    await page.close();
  });

  test('the palette finds a tool, a key and a trace by its id, opens what is made on another page, and does what this page can', async () => {
    const page = await open('/ui/costs');
    const find = async (text: string): Promise<void> => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Search or run' }).fill(text);
    };
    await page.getByRole('heading', { level: 1, name: 'Costs' }).waitFor();
    await find('create_iss');
    await page.getByRole('option', { name: /create_issue/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/servers\/github\/tools\?tool=create_issue/);
    await find('create a key');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Create a key' }).getByLabel('Name').waitFor();
    await page.keyboard.press('Escape');
    await find('first key');
    await page.getByRole('option', { name: /^first key gwo_/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'The key' }).waitFor();
    await find('follow calls live');
    await page.keyboard.press('Enter');
    await page.getByText('Waiting for the next call').waitFor();
    await find('filters');
    await page.getByRole('option', { name: /^Filters f$/ }).waitFor();
    await page.keyboard.press('Escape');
    const id = run.traces.whole;
    await find(id);
    await page.getByRole('option', { name: id }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/ui/traces/${id}`));
    await page.close();
  });

  test('a text is masked in the settings as a body would be', async () => {
    const page = await open('/ui/settings?part=masking');
    await page.getByLabel('A body').fill('{"user":"ana","password":"hunter2"}');
    await page.getByRole('button', { name: 'Mask text' }).click();
    await page.getByText('1 value masked by field').waitFor();
    await page.getByText('"[masked:field]"').waitFor();
    // What is kept in the browser holds at once, and through a reload.
    await page.getByRole('tab', { name: 'Appearance' }).click();
    await page.getByLabel('Times').selectOption('utc');
    await page.reload();
    expect(await page.getByLabel('Times').inputValue()).toBe('utc');
    await page.getByLabel('Times').selectOption('local');
    await page.close();
  });

  test('prices that stand in gateway.yaml are read and not written, and say where they stand', async () => {
    const page = await open('/ui/costs');
    await page
      .getByRole('cell', { name: /^gateway\.yaml:\d+$/ })
      .first()
      .waitFor();
    for (const button of await page.getByRole('button', { name: /^(Change|Delete|Add a price)/ }).all())
      expect([await button.isDisabled(), await button.getAttribute('title')]).toEqual([true, expect.stringContaining('gateway.yaml')]);
    await page.close();
  });

  test('what is on screen stays when the gateway does not answer, and says of when it is', async () => {
    const page = await open('/ui/settings?part=export');
    await page.getByText('No targets yet').waitFor();
    await page.route('**/v1/**', (route) => route.abort());
    const bar = page.getByRole('status').getByText('The gateway is not responding');
    await bar.waitFor();
    await page.getByText('No targets yet').waitFor();
    await page.unroute('**/v1/**');
    await page.getByRole('button', { name: 'Retry' }).click();
    await bar.waitFor({ state: 'detached' });
    await page.close();
  });

  test('after the session has ended the next look leads to where people sign in', async () => {
    const context = await dashboard.newOwner();
    const page = await open('/ui/keys', context);
    await page.getByText('first key').waitFor();
    await page.getByRole('button', { name: /account and appearance/ }).click();
    await page.getByText('Sign out').click();
    await page.waitForURL(/sign-in/);
    expect((await page.goto(`${gateway.url}/ui/keys`))?.status()).toBe(401);
    await context.close();
  });
});
