/** People and access in the dashboard: who there is, what they may do, how they are stopped, and why a call would be. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { startOidcProvider, testClient, type TestProvider } from '../support/sign-in-provider.ts';
import { removeGatewayFolders, type RunningGateway } from '../support/start-gateway.ts';

describeWith('chromium', 'people and access in the dashboard', (chromium) => {
  let traffic: JourneyTraffic;
  let provider: TestProvider;
  let gateway: RunningGateway;
  let dashboard: TestDashboard;
  let owner: BrowserContext;
  let run: JourneyRun;

  beforeAll(async () => {
    traffic = await startJourneyTraffic();
    // Nobody comes back by it here: signing in itself is tried in sign-in-browser.test.ts.
    provider = await startOidcProvider(['http://127.0.0.1:9/never']);
    const acme = {
      name: 'acme',
      title: 'Acme',
      issuer: provider.issuer,
      client_id: testClient.id,
      client_secret: { env: 'OIDC_SECRET' },
      domains: ['acme.example'],
      allow_addresses: ['127.0.0.1'],
      mapping: [{ group: 'Staff', teams: ['payments'], roles: ['auditor'] }],
    };
    const config = { ...traffic.config, identity: { providers: [acme] } };
    dashboard = await startDashboard(chromium, { config, env: { OIDC_SECRET: testClient.secret } });
    ({ gateway } = dashboard);
    run = await traffic.run(gateway);
    owner = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await Promise.all([traffic?.stop(), provider?.stop()]);
    removeGatewayFolders();
  });

  const open = (path: string, whose = owner): Promise<Page> => dashboard.open(path, whose);
  const callAsAna = async (): Promise<number> =>
    (await post(`${gateway.url}/v1/mcp/search/tools/call`, { tool: 'query', arguments: {} }, { key: run.keys.ana.secret })).status;

  test('by keys alone: to the users, narrowed as one types, down to one of them; the address holds it all', async () => {
    const page = await open('/ui/access');
    await page.getByText('Who wants to call what?').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('u');
    await page.getByRole('grid', { name: 'Users' }).waitFor();
    await page.getByLabel('Find').pressSequentially('ben okafor');
    await page.waitForURL(/find=ben\+okafor/);
    await until(async () => (await page.getByRole('row').count()) === 2, { what: 'the one row that fits' });
    // A reload, and whoever is sent the address, sees the same.
    await page.reload();
    await until(async () => (await page.getByRole('row').count()) === 2, { what: 'the one row that fits, again' });
    expect(await page.getByLabel('Find').inputValue()).toBe('ben okafor');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Ben Okafor' }).waitFor();
    await page.goBack();
    await page.waitForURL(/find=ben\+okafor/);
    await page.getByRole('grid', { name: 'Users' }).waitFor();
    await page.getByLabel('Find').fill('nobody has this name');
    await page.getByText('No users match').waitFor();
    await page.close();
  });

  test('a user is invited with a token that is shown once, and is among the users when they have accepted', async () => {
    const page = await open('/ui/people');
    await page.getByRole('button', { name: 'Invite a user' }).click();
    await page.getByLabel('E-mail').fill('new@example.com');
    await page.getByLabel('Name').fill('New Person');
    await page.getByRole('dialog').getByLabel('Cost reader').check();
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    const token = (await page.locator('[data-secret]').innerText()).trim();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('It cannot be shown again').waitFor();
    await page.getByText('I have saved it').click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('[data-secret]').waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(token);
    await page.getByRole('link', { name: 'Invitations' }).click();
    await page.getByRole('grid').getByText('new@example.com').waitFor();
    // In a browser of their own: a token that is none says so, the right one makes them a user, once.
    const guest = await open('/invitation', await dashboard.newPerson());
    await guest.getByLabel('Token').fill('invite_none');
    await guest.getByRole('button', { name: 'Accept' }).click();
    await guest.getByRole('alert').getByText('This is not an invitation token').waitFor();
    await dashboard.look(guest, 'invitation');
    await guest.getByLabel('Token').fill(token);
    await guest.getByRole('button', { name: 'Accept' }).click();
    await guest.getByRole('heading', { name: 'Welcome, New Person' }).waitFor();
    await guest.goto(`${gateway.url}/invitation`);
    await guest.getByLabel('Token').fill(token);
    await guest.getByRole('button', { name: 'Accept' }).click();
    await guest.getByRole('alert').getByText('was used').waitFor();
    await guest.context().close();
    const made = await open('/ui/people?find=new@example.com');
    await made.getByRole('grid', { name: 'Users' }).getByText('Cost reader').waitFor();
    await made.close();
    await page.close();
  });

  test('a role is given after it was said what that allows; what they may do shows it', async () => {
    const page = await open('/ui/people/users/usr_ben');
    await page.getByRole('button', { name: 'Change roles' }).click();
    await page.getByRole('dialog').getByLabel('Cost reader').check();
    // Developers see costs already: nothing is new. Without that role there is less.
    await page.getByText('another role allows it too').waitFor();
    await page.getByRole('dialog').getByLabel('Developer').uncheck();
    await page.getByText('They may no longer:').getByText('tools.call').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Cost reader' }).waitFor();
    await page.getByRole('link', { name: 'Developer' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Show all permissions' }).click();
    await page.getByText('costs.read').first().waitFor();
    await page.close();
  });

  test('a user is found from anywhere; a team takes a member in on its own page', async () => {
    const page = await open('/ui/people/teams/payments');
    await page.getByRole('button', { name: 'Add a member' }).click();
    await page.getByRole('dialog').getByLabel('Find').fill('cara.');
    await page.getByRole('button', { name: 'Add Cara Lindqvist-Montgomery' }).click();
    await page.getByRole('dialog').getByText('a member', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Cara Lindqvist-Montgomery' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search or run' }).fill('cara.');
    await page.getByRole('option', { name: /Cara Lindqvist-Montgomery/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Cara Lindqvist-Montgomery' }).waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Payments' }).waitFor();
    await page.close();
  });

  test('whoever is disabled is stopped with what was counted before, and is let in again', async () => {
    expect(await callAsAna()).toBe(200);
    const page = await open('/ui/people/users/usr_ana');
    await page.getByRole('button', { name: 'Disable' }).click();
    const asks = page.getByRole('alertdialog');
    await asks.getByText('0 sessions end, 1 key is refused and running calls end.').waitFor();
    await dashboard.picture(page, 'person-disable-light');
    await asks.getByLabel('Reason').fill('INC-412');
    await asks.getByRole('button', { name: 'Disable the user' }).click();
    await page.getByText('INC-412').waitFor();
    expect(await callAsAna()).toBeGreaterThanOrEqual(400);
    // The answer to why stands one step further.
    await page.getByRole('main').getByRole('link', { name: 'Check access' }).click();
    await page.getByLabel('Server').selectOption('search');
    await page.getByLabel('Name', { exact: true }).fill('query');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('[data-decision=deny]').waitFor();
    await page.getByRole('region', { name: 'The decision' }).getByText('switched off:').getByRole('link', { name: 'user usr_ana' }).click();
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByRole('button', { name: 'Disable' }).waitFor();
    expect(await callAsAna()).toBe(200);
    await page.close();
  });

  test('a link to a decision is the decision: who, what, and the rule that decides; a key and a call lead to it', async () => {
    const page = await open(`/ui/access?${new URLSearchParams({ as: run.keys.ana.id, server: 'github', name: 'delete_repo' }).toString()}`);
    await page.getByRole('heading', { name: 'Denied' }).waitFor();
    await page.getByRole('region', { name: 'The decision' }).getByRole('link', { name: 'no-deletes' }).click();
    await page.getByRole('complementary', { name: 'The policy' }).getByText('Deletes go by the form.').waitFor();
    await page.goBack();
    await page.getByLabel('Name', { exact: true }).fill('list_pulls');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByRole('heading', { name: 'Allowed', exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Denied' }).waitFor();
    await page.getByRole('combobox', { name: 'Who' }).fill('nobody@example.com');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByRole('alert').getByText('nobody@example.com').waitFor();
    await page.close();

    const calls = await open('/ui/traces?q=tool:delete_repo');
    await calls.getByRole('row').nth(1).click();
    await calls.getByRole('complementary', { name: 'The trace' }).getByRole('link', { name: 'Explain the decision' }).click();
    await calls.getByRole('heading', { name: 'Denied' }).waitFor();
    await calls.close();
  });

  test('a provider is tested, tried and asked what it would give; its SCIM token is shown once, and what it was refused stands in rows', async () => {
    const page = await open('/ui/identity');
    await page.getByText('No provider sends users').waitFor();
    await dashboard.look(page, 'sign-in-light');
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByRole('status').getByText('discovery').waitFor();
    await page.getByRole('button', { name: 'Preview claims' }).click();
    await page.getByLabel('Claims of an ID token').fill('{ "sub": "1", "email": "zoe@acme.example", "email_verified": true, "groups": ["Staff"] }');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    await page.getByRole('dialog').getByText('auditor').waitFor();
    await page.getByRole('dialog').getByLabel('Claims of an ID token').fill('{ nothing');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    await page.getByRole('dialog').getByText('Not valid JSON').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Try a sign-in' }).click();
    const link = page.getByRole('link', { name: 'Open the link' });
    await link.waitFor();
    const address = await link.getAttribute('href');
    // Whoever is sent the address waits for the same.
    await page.reload();
    await link.waitFor();
    expect([address, await link.getAttribute('href')]).toEqual([`${gateway.url}/sign-in/try?id=${new URL(page.url()).searchParams.get('try') ?? ''}`, address]);

    await page.getByRole('button', { name: 'Connect a provider' }).click();
    await page.getByRole('dialog').getByLabel('Provider').fill('acme');
    await page.getByRole('button', { name: 'Create the token' }).click();
    const token = (await page.locator('[data-secret]').innerText()).trim();
    await page.getByText('I have saved it').click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.locator('[data-secret]').waitFor({ state: 'detached' });
    expect((await post(`${gateway.url}/scim/v2/Users`, { userName: '' }, { key: token })).status).toBe(400);
    await page.reload();
    await page.getByRole('button', { name: '1 of acme' }).click();
    await page.getByRole('region', { name: 'Refused requests of acme' }).getByText('POST Users').waitFor();
    await dashboard.picture(page, 'sign-in-scim-light');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop provisioning' }).click();
    await page.getByText('No provider sends users').waitFor();
    expect((await post(`${gateway.url}/scim/v2/Users`, undefined, { key: token })).status).toBe(401);
    await page.close();
  });

  test('one sees where one is signed in, and ends it there', async () => {
    const person = await dashboard.newOwner();
    const page = await open('/ui/', person);
    await page.getByRole('button', { name: /account and appearance/ }).click();
    await page.getByText('Your sessions').click();
    await page
      .getByRole('row', { name: /this browser/ })
      .getByRole('button', { name: 'End' })
      .click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'End the session' }).click();
    await page.waitForURL(/sign-in/);
    await person.close();
  });

  test('what was done to a person stands in the audit by their own id', async () => {
    const page = await open('/ui/people/users/usr_ana');
    await page.getByRole('link', { name: 'history' }).click();
    for (const action of ['user.created', 'user.switched_off', 'user.switched_on']) await page.getByRole('grid').getByText(action).waitFor();
    await page.close();
  });

  test('a role says before it is saved what whoever has it may then do', async () => {
    const page = await open('/ui/people/roles/cost-reader');
    await page.getByText(/^1 of \d+ permissions$/).waitFor();
    await dashboard.look(page, 'role-of-one-light');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByRole('dialog').getByLabel('tools.call').check();
    await page.getByText('People with the role may then also:').getByText('tools.call').waitFor();
    await dashboard.look(page, 'role-change-light');
    await page.close();
  });

  test('a setting is found by a word; for how long something is kept is changed once it was said what that does', async () => {
    const page = await open('/ui/settings?part=about');
    const notices = await page.request.get((await page.getByRole('link', { name: 'third-party software' }).getAttribute('href')) ?? '');
    expect(await notices.text()).toContain('## react - ');
    await page.getByLabel('Find').fill('size disk');
    await page.getByRole('list', { name: 'Matching settings' }).waitFor();
    await dashboard.look(page, 'settings-found-light');
    await page.getByRole('link', { name: 'Retention' }).click();
    const traces = page.getByRole('row', { name: /^traces/ });
    await traces.getByText('30 days').waitFor();
    // What it weighs, and by the days that there were, what it will.
    await traces.getByRole('cell', { name: /^[\d.]+ [kM]?B$/ }).waitFor();
    await traces.getByRole('cell', { name: /^≈ [\d.]+ [kM]?B$/ }).waitFor();
    await traces.getByRole('button', { name: 'Change' }).click();
    const sheet = page.getByRole('dialog');
    // More than there may be is refused before anything is said of it.
    await sheet.getByLabel('Days').fill('400');
    await sheet.getByRole('button', { name: 'Preview the effect' }).click();
    await sheet.getByRole('alert').waitFor();
    await sheet.getByLabel('Days').fill('7');
    await sheet.getByRole('button', { name: 'Preview the effect' }).click();
    await sheet.getByText('Data older than 7 days will soon be deleted for good.').waitFor();
    await dashboard.look(page, 'settings-keep-light');
    await sheet.getByRole('button', { name: 'Keep 7 days' }).click();
    await traces.getByText('7 days').waitFor();
    await traces.getByText('registry').waitFor();
    await page.close();
  });
});
