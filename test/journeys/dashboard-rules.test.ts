/** Who may do what, in a real browser at a real gateway: policies, changes that meet another's, and what people see who may do little. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callbackPath } from '../../packages/gateway/src/control/sign-in/provider-desk.ts';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { ledgerCount } from '../support/ledger-rows.ts';
import { until } from '../support/poll.ts';
import { type Answer, post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { startOidcProvider, testClient, type TestProvider } from '../support/sign-in-provider.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'the dashboard and its rules', (chromium) => {
  let traffic: JourneyTraffic;
  let run: JourneyRun;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let owner: BrowserContext;
  let provider: TestProvider;

  beforeAll(async () => {
    traffic = await startJourneyTraffic({ prices: 'none' });
    dashboard = await startDashboard(chromium, { config: traffic.config, env: { OIDC_SECRET: testClient.secret } });
    ({ gateway } = dashboard);
    run = await traffic.run(gateway);
    owner = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await Promise.all([traffic?.stop(), provider?.stop()]);
    removeGatewayFolders();
  });

  const callTool = (server: string, tool: string, key = gateway.apiKey): Promise<Answer> =>
    post(`${gateway.url}/v1/mcp/${server}/tools/call`, { tool, arguments: {} }, { key });
  const countCalls = (where: string): Promise<number> => ledgerCount(gateway.stateFolder, `SELECT count() FROM calls WHERE ${where}`);
  const open = (path: string, whose = owner): Promise<Page> => dashboard.open(path, whose);

  async function api(method: string, path: string, body?: unknown, match?: string): Promise<Answer> {
    const answer = await post(`${gateway.url}${path}`, body, { method, key: gateway.apiKey, headers: match === undefined ? {} : { 'if-match': match } });
    expect([method, path, answer.status < 300 ? 'done' : answer.text]).toEqual([method, path, 'done']);
    return answer;
  }

  /** Adds to the file, which is read again as people do it. */
  async function configure(part: object): Promise<void> {
    const file = JSON.parse(readFileSync(gateway.configFile, 'utf8')) as object;
    writeFileSync(gateway.configFile, JSON.stringify({ ...file, ...part }, null, 2));
    expect(await gateway.cli('reload')).toMatchObject({ code: 0 });
  }

  test('a policy is tried on the calls of before, made, holds at once, and is taken away; what is off is switched on again', async () => {
    const day = 'started_at > now() - INTERVAL 1 DAY';
    const [allowed, queries, all] = [
      await countCalls(`${day} AND policy = 'members-may-call-every-server'`),
      await countCalls("server = 'search' AND tool = 'query'"),
      await countCalls("method = 'tools/call'"),
    ];
    const page = await open('/ui/policies');
    // The last row is what becomes of a call of which no rule applies.
    await page.getByRole('row').last().getByText('what no rule allows').waitFor();
    await page
      .getByRole('row', { name: /members-may-call-every-server/ })
      .getByText(String(allowed), { exact: true })
      .waitFor();
    await page.getByRole('button', { name: 'Create a policy' }).click();
    await page.getByLabel('Name').fill('no-queries');
    await page.getByLabel('Tools').fill('query');
    // A condition that cannot be read is told at its field before anything is made, with the place.
    await page.getByLabel('When').fill('name == "x" && nothing');
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('alert').getByText('Column 16').waitFor();
    expect(await page.locator('mark').innerText()).toBe('nothing');
    await dashboard.look(page, 'policy-condition-light');
    // The same rule as text, and back.
    await page.getByLabel('When').fill('');
    await page.getByRole('tab', { name: 'Text' }).click();
    const text = page.getByLabel('The rule as JSON');
    expect(JSON.parse(await text.inputValue())).toMatchObject({ effect: 'deny', tools: ['query'] });
    await text.fill('{ "effect": ');
    await page.getByText('It cannot be read').waitFor();
    await text.fill('{ "effect": "deny", "tools": ["query"], "reason": "Not now." }');
    await page.getByRole('tab', { name: 'Form' }).click();
    expect(await page.getByLabel('Reason').inputValue()).toBe('Not now.');
    await page.getByRole('button', { name: 'Try it' }).click();
    const tried = page.getByRole('region', { name: 'On recorded calls' });
    await tried.getByText(`${queries} of ${all} calls newly refused, from 3 callers`).waitFor();
    expect(
      await tried
        .getByRole('row', { name: /usr_ana/ })
        .getByTitle('These calls')
        .getAttribute('href'),
    ).toMatch(/server%3Asearch\+tool%3Aquery\+user%3Ausr_ana&range=7d/);
    // All of it is in sight, and what is done next.
    const create = page.getByRole('button', { name: 'Create the policy' });
    await until(async () => ((await create.boundingBox())?.y ?? Infinity) < 690, { what: 'the button in sight' });
    expect((await callTool('search', 'query')).status).toBe(200);
    await dashboard.picture(page, 'policy-try-light');
    await create.click();
    const rule = page.getByRole('complementary', { name: 'The policy' });
    await rule.getByText('no-queries').waitFor();
    await page.waitForURL(/rule=no-queries/);
    expect((await callTool('search', 'query')).status).toBeGreaterThanOrEqual(400);
    // From a finding to all that is known of it.
    const decided = rule.getByRole('region', { name: 'Calls it decided' }).getByRole('link', { name: 'search · query' });
    await until(async () => (await decided.count()) > 0, { what: 'the call that it refused', timeoutMs: 60_000 });
    expect(await decided.first().getAttribute('href')).toMatch(/\/ui\/traces\/tr_/);
    await rule.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete the policy' }).click();
    // What lies behind a dialog is no part of the page for as long as it is there.
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await rule.waitFor({ state: 'detached' });
    expect((await callTool('search', 'query')).status).toBe(200);
    // What was just done has a way back, of exactly what it was.
    const done = page.getByRole('status').filter({ hasText: 'The policy no-queries was deleted.' });
    await done.getByRole('button', { name: 'Undo' }).click();
    await done.waitFor({ state: 'detached' });
    expect((await callTool('search', 'query')).status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse((await api('GET', '/v1/policies/no-queries')).text)).toMatchObject({ policy: { tools: ['query'], reason: 'Not now.' } });
    await api('DELETE', '/v1/policies/no-queries', undefined, '"1"');

    await gateway.cli('tools', 'disable', 'search/query', '--reason', 'INC-413');
    await page.reload();
    const off = page.getByRole('region', { name: 'Switched off' });
    await off.getByText('INC-413').waitFor();
    await off.getByRole('button', { name: 'Enable tool search/query' }).click();
    await off.getByText('INC-413').waitFor({ state: 'detached' });
    await off.getByRole('button', { name: 'Enable server crm' }).click();
    await off.waitFor({ state: 'detached' });
    expect((await callTool('search', 'query')).status).toBe(200);
    await page.close();
  });

  test('a change that meets another’s shows their changes, loses nothing of either, and goes on top or gives way', async () => {
    const rule = { effect: 'hold', to: ['everyone'], tools: ['pay_*'] };
    const page = await open('/ui/policies?rule=payments-are-approved');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByLabel('When').fill('args.all == true');
    await page.getByLabel('Reason').fill('Mine.');
    await api('PUT', '/v1/policies/payments-are-approved', { ...rule, reason: 'Theirs.', servers: ['warehouse'] }, '"1"');
    await page.getByRole('button', { name: 'Try it' }).click();
    const met = page.getByRole('alert', { name: 'Changed in the meantime' });
    await met
      .getByRole('row', { name: /Reason/ })
      .getByText('Mine. · you changed it too')
      .waitFor();
    await met
      .getByRole('row', { name: /Servers/ })
      .getByText('warehouse')
      .waitFor();
    await dashboard.look(page, 'changed-meanwhile-light');
    await met.getByRole('button', { name: 'Apply mine on top' }).click();
    expect([await page.getByLabel('Servers').inputValue(), await page.getByLabel('Reason').inputValue()]).toEqual(['warehouse', 'Mine.']);
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('button', { name: 'Change the policy' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { policy } = JSON.parse((await api('GET', '/v1/policies/payments-are-approved')).text) as { policy: object };
    expect(policy).toMatchObject({ version: 3, servers: ['warehouse'], when: 'args.all == true', reason: 'Mine.' });
    // What was looked at is what goes: another version of it is shown first.
    await page.getByRole('button', { name: 'Delete' }).click();
    await api('PUT', '/v1/policies/payments-are-approved', { ...rule, reason: 'Once more.' }, '"3"');
    const deletion = page.getByRole('alertdialog');
    await deletion.getByRole('button', { name: 'Delete the policy' }).click();
    await deletion.getByText('Once more.').waitFor();
    await deletion.getByRole('button', { name: 'Delete it as it is now' }).click();
    await deletion.getByRole('button', { name: 'Delete the policy' }).click();
    await deletion.waitFor({ state: 'detached' });
    await page.close();
  });

  test('so it is with people and prices: roles are what both gave, a name is theirs where it is taken, amounts are of both', async () => {
    const page = await open('/ui/people/users/usr_ana');
    await page.getByRole('button', { name: 'Change roles' }).click();
    await page.getByRole('dialog').getByLabel('Viewer').check();
    await api('PATCH', '/v1/users/usr_ana', { role_ids: ['developer', 'auditor'] }, '"1"');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Apply mine on top' }).click();
    expect(await page.getByRole('dialog').getByLabel('Auditor').isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { user } = JSON.parse((await api('GET', '/v1/users/usr_ana')).text) as { user: { role_ids: string[]; version: number } };
    expect(user.role_ids.toSorted()).toEqual(['auditor', 'developer', 'viewer']);

    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByLabel('Name').fill('Ana of mine');
    await api('PATCH', '/v1/users/usr_ana', { name: 'Ana of theirs' }, `"${user.version}"`);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Use theirs' }).click();
    expect(await page.getByLabel('Name').inputValue()).toBe('Ana of theirs');
    await page.close();

    await api('POST', '/v1/prices', { name: 'search', spec: { per_call: 0.5 } });
    const costs = await open('/ui/costs');
    await costs.getByRole('row', { name: 'search, every tool' }).getByRole('button', { name: 'Change' }).click();
    await costs.getByLabel('Per call').fill('0.75');
    const { price } = JSON.parse((await api('GET', '/v1/prices/search')).text) as { price: { version: number } };
    await api('PUT', '/v1/prices/search', { spec: { per_call: 0.5, per_second: 2 } }, `"${price.version}"`);
    await costs.getByRole('button', { name: 'Calculate the effect' }).click();
    await costs.getByRole('button', { name: 'Apply mine on top' }).click();
    expect([await costs.getByLabel('Per call').inputValue(), await costs.getByLabel('Per second').inputValue()]).toEqual(['0.75', '2']);
    await costs.getByRole('button', { name: 'Calculate the effect' }).click();
    await costs.getByRole('button', { name: 'Change the price' }).click();
    await costs.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await api('GET', '/v1/prices/search')).text).toContain('"per_second":2');
    await costs.close();
  });

  test('two clicks from a call that a rule stops to the rule that lets it through, tried before it is made; also from Check access', async () => {
    const refusals = await countCalls("tool = 'delete_repo'");
    const page = await open('/ui/traces?q=tool:delete_repo');
    await page.getByRole('row').nth(1).click();
    await page.getByRole('complementary', { name: 'The trace' }).getByRole('button', { name: 'Allow this…' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByText('when !(principal.service_account == "ci" && server == "github" && name == "delete_repo")').waitFor();
    await sheet.getByText(new RegExp(`${refusals} of \\d+ calls newly allowed, from 1 caller`)).waitFor();
    await dashboard.look(page, 'allow-this-light');
    await sheet.getByRole('button', { name: 'Allow it' }).click();
    await sheet.getByRole('link', { name: 'no-deletes' }).waitFor();
    const passes = async (tool: string, who: keyof typeof run.keys): Promise<boolean> => (await callTool('github', tool, run.keys[who].secret)).status < 400;
    expect([await passes('delete_repo', 'ci'), await passes('delete_branch', 'ci'), await passes('delete_repo', 'ben')]).toEqual([true, false, false]);
    await page.close();

    const check = await open(`/ui/access?${new URLSearchParams({ as: run.keys.ben.id, server: 'github', name: 'delete_branch' }).toString()}`);
    await check.getByRole('heading', { name: 'Denied' }).waitFor();
    await check.getByRole('button', { name: 'Allow this…' }).click();
    await check.getByLabel('For whom').selectOption('team:growth');
    await check.getByRole('button', { name: 'Allow it' }).click();
    await check.getByText('It is allowed').waitFor();
    await check.getByRole('button', { name: 'Done' }).click();
    await check.getByRole('heading', { name: 'Allowed', exact: true }).waitFor();
    expect(await passes('delete_branch', 'ben')).toBe(true);
    await check.close();
  });

  test('who may do little sees the pages that they may see; of any other the address says what it takes and who gives it, and nothing is asked that is refused', async () => {
    provider = await startOidcProvider([`${gateway.url}${callbackPath}/acme`]);
    const acme = { name: 'acme', title: 'Acme', issuer: provider.issuer, client_id: testClient.id, client_secret: { env: 'OIDC_SECRET' } };
    const providers = [{ ...acme, domains: ['acme.example'], provision: 'just_in_time', first_roles: ['viewer'], allow_addresses: ['127.0.0.1'] }];
    await configure({ identity: { providers } });
    await api('POST', '/v1/users', { id: 'usr_giver', name: 'Gil Giver', role_ids: ['admin'] });

    const viewer = await signIn('vic');
    const nobody = await signIn('nil');
    const { users } = JSON.parse((await api('GET', '/v1/users?q=nil')).text) as { users: { id: string; version: number }[] };
    await api('PATCH', `/v1/users/${users[0]?.id ?? ''}`, { role_ids: [] }, `"${users[0]?.version ?? 0}"`);
    const trace = `/ui/traces/${run.traces.whole}`;
    /** Every page of the router, what it takes, and a text of it once it stands for whoever has that. */
    const pages: readonly (readonly [path: string, permission: string, text: string])[] = [
      ['/ui/', 'metrics.read', 'Traffic by outcome'],
      ['/ui/traces', 'traces.read', 'query'],
      [trace, 'traces.read', 'Response'],
      ['/ui/traces/compare', 'traces.read', 'Select two traces to compare'],
      ['/ui/metrics', 'metrics.read', 'Calls per second'],
      ['/ui/costs', 'costs.read', 'Costs'],
      ['/ui/servers', 'servers.read', 'search'],
      ['/ui/servers/search', 'servers.read', 'search'],
      ['/ui/connect', 'servers.read', 'Claude Code'],
      ['/ui/people', 'people.read', 'Ana of theirs'],
      ['/ui/people?kind=invitations', 'people.read', 'No open invitations'],
      ['/ui/people/users/usr_ana', 'people.read', 'Ana of theirs'],
      ['/ui/people?kind=roles', 'roles.read', ''],
      ['/ui/people/roles/viewer', 'roles.read', ''],
      ['/ui/keys', 'keys.read', ''],
      ['/ui/access', 'policies.read', ''],
      ['/ui/policies', 'policies.read', ''],
      ['/ui/identity', 'identity.read', ''],
      ['/ui/audit', 'audit.read', ''],
      ['/ui/settings?part=data', 'config.read', ''],
    ];
    const seen = new Set(['metrics.read', 'traces.read', 'costs.read', 'servers.read', 'people.read']);
    const menuOf = (page: Page): Promise<string[]> => page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();
    for (const [person, may, menu] of [
      [viewer, seen, ['Overview', 'Traces', 'Metrics', 'Costs', 'Servers', 'Users & teams', 'Settings']],
      [nobody, new Set<string>(), ['Settings']],
    ] as const) {
      const page = await open('/ui/sessions', person);
      const refused: string[] = [];
      page.on('response', (answer) => answer.status() === 403 && refused.push(answer.url()));
      await page.getByRole('row', { name: /this browser/ }).waitFor();
      expect(await menuOf(page)).toEqual(menu);
      // Of the settings those of this browser are open to all, and stand first for whoever may see no others.
      await page.getByRole('link', { name: 'Settings' }).click();
      await page.getByRole('tab', { name: 'Appearance', selected: true }).waitFor();
      // The range of time stands where it does something.
      expect(await page.getByRole('button', { name: /Time range/ }).count()).toBe(0);
      for (const [path, permission, text] of pages) {
        await page.goto(`${gateway.url}${path}`);
        if (may.has(permission)) {
          await page.getByRole('main').getByText(text).filter({ visible: true }).first().waitFor();
          await page.getByText('This page needs another permission').waitFor({ state: 'detached' });
          continue;
        }
        await page.getByRole('heading', { name: /This (page|section) needs another permission/ }).waitFor();
        await page.getByRole('main').getByText(permission, { exact: true }).waitFor();
        await page.getByText(/Gil Giver \(usr_giver\).* can grant it/).waitFor();
        if (person === nobody) await dashboard.lookNow(page, `denied${path.replace(/tr_.*/, 'trace').replaceAll(/\W+/g, '-')}`, 'main');
      }
      expect(refused).toEqual([]);
      await page.close();
    }

    // What is said of a call stays, what it said is not shown; what they may not do says why.
    const page = await open(`${trace}?tab=request`, viewer);
    await page.getByText('The request is hidden: it requires').getByText('bodies.read').waitFor();
    await page.getByRole('tab', { name: 'Summary' }).click();
    await page.getByRole('region', { name: 'The rail' }).getByText('Access').waitFor();
    // What is gone says for how long such are kept, to whoever may know.
    const gone = await open(`/ui/traces/tr_${'0'.repeat(32)}`);
    await gone.getByText(/It may have been deleted at the end of its retention \(\d+\w\)/).waitFor();
    await gone.close();
    await page.goto(`${gateway.url}/ui/people`);
    const invite = page.getByRole('button', { name: 'Invite a user' });
    expect([await invite.isDisabled(), await invite.getAttribute('title')]).toEqual([true, 'None of your roles allows it.']);
    await page.goto(`${gateway.url}/ui/servers/search`);
    expect(await page.getByRole('button', { name: 'Disable' }).isDisabled()).toBe(true);
    // A key that leads to what is not in the menu does nothing.
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.waitForURL(/\/ui\/servers$/);
    await page.getByRole('button', { name: /Time range/ }).waitFor();
    await page.close();
    await Promise.all([viewer.close(), nobody.close()]);
  });

  /** Somebody whom the provider knows, with a session. */
  async function signIn(login: string): Promise<BrowserContext> {
    provider.people.set(login, { email: `${login}@acme.example`, email_verified: true, name: login });
    const person = await dashboard.newPerson();
    const page = await person.newPage();
    await page.goto(gateway.url);
    await page.getByRole('link', { name: 'Continue with Acme' }).click();
    await page.getByPlaceholder('Enter any login').fill(login);
    await page.getByPlaceholder('and password').fill('x');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: /account and appearance/ }).waitFor();
    await page.close();
    return person;
  }

  test('rules of gateway.yaml say where they stand, and are changed there', async () => {
    const policies = [{ name: 'of-the-file', effect: 'allow', to: ['members'] }];
    await configure({ policies });
    const page = await open('/ui/policies?rule=of-the-file');
    const rule = page.getByRole('complementary', { name: 'The policy' });
    await rule.getByText('Managed by a file').waitFor();
    await rule
      .getByText(/gateway\.yaml:\d+$/)
      .first()
      .waitFor();
    expect(await rule.getByRole('button', { name: 'Change' }).getAttribute('title')).toMatch(/Managed by a file: defined in gateway\.yaml:\d+\./);
    expect(await page.getByRole('button', { name: 'Create a policy' }).isDisabled()).toBe(true);
    await dashboard.look(page, 'policies-of-file-light');
    await page.close();
  });
});
