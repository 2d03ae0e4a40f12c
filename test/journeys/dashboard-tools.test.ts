/**
 * Servers and their tools as people use them: looked at, tried from their schemas, called again. Beside the servers of the company there is one whose schemas
 * are of every kind, which has very many tools, and which says what reached it.
 */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDashboard, type TestDashboard } from '../support/dashboard.ts';
import { type JourneyRun, type JourneyTraffic, startJourneyTraffic } from '../support/journey-traffic.ts';
import { until } from '../support/poll.ts';
import { type Answer, post } from '../support/post.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { startToolServer, type ToolServer } from '../support/tool-server.ts';

describeWith('chromium', 'servers and tools in the dashboard', (chromium) => {
  let traffic: JourneyTraffic;
  let run: JourneyRun;
  let server: ToolServer;
  let dashboard: TestDashboard;
  let person: BrowserContext;

  beforeAll(async () => {
    [traffic, server] = await Promise.all([startJourneyTraffic(), startToolServer(300)]);
    dashboard = await startDashboard(chromium, { config: { ...traffic.config, servers: [...traffic.config.servers, { name: 'desk', url: server.url }] } });
    run = await traffic.run(dashboard.gateway);
    person = await dashboard.newOwner();
  });
  afterAll(async () => {
    await dashboard?.stop();
    await Promise.all([traffic?.stop(), server?.stop()]);
    removeGatewayFolders();
  });

  const open = (path: string): Promise<Page> => dashboard.open(path, person);
  const ask = (path: string, body?: unknown): Promise<Answer> => post(`${dashboard.gateway.url}${path}`, body, { key: dashboard.gateway.apiKey });
  const tool = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  /** A rule that refuses `drop_repo`, made once. */
  const refuseDrops = async (): Promise<void> => {
    if ((await ask('/v1/policies/no-drops')).status === 200) return;
    const rule = { effect: 'deny', to: ['everyone'], servers: ['desk'], tools: ['drop_*'], reason: 'Nothing is dropped.' };
    const { url, apiKey: key } = dashboard.gateway;
    expect((await post(`${url}/v1/policies/no-drops`, rule, { key, method: 'PUT', headers: { 'if-match': '"0"' } })).status).toBeLessThan(300);
  };
  const form = (page: Page, name: string) => page.getByRole('form', { name: `Call ${name}` });

  test('a server lists all its tools, found by a part of their names, with what it says of them; the address holds which one is read', async () => {
    const page = await open('/ui/servers/desk');
    await page.getByRole('tab', { name: 'Tools' }).click();
    await page.getByText('304 tools').waitFor();
    await page
      .getByRole('row', { name: /drop_repo/ })
      .getByText('destructive')
      .waitFor();
    await page
      .getByRole('row', { name: /create_issue/ })
      .getByTitle('idempotent')
      .waitFor();
    // Rows on screen only.
    expect(await page.getByRole('row').count()).toBeLessThan(100);
    await dashboard.look(page, 'tools-light');
    await page.getByLabel('Find').fill('number 217');
    await page.getByText('1 of 304 tools').waitFor();
    await page.getByLabel('Find').fill('issue');
    await page.getByRole('row', { name: /create_issue/ }).click();
    await tool(page, 'create_issue').getByRole('tab', { name: 'Schemas' }).click();
    await page
      .getByRole('row', { name: /size optional/ })
      .getByText('one of "small", "large"')
      .waitFor();
    await page
      .getByRole('row', { name: /number/ })
      .first()
      .waitFor();
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ tool: 'create_issue', find: 'issue' });
    await page.reload();
    await form(page, 'create_issue').waitFor();
    await page.close();
  });

  test('what a server offers other operations is listed beside them, and the address holds which of it', async () => {
    const page = await open('/ui/servers/desk/tools');
    await page.getByRole('tab', { name: 'Resources 2' }).click();
    await page.getByRole('row', { name: /desk:\/\/\/readme readme text\/markdown To be read first/ }).waitFor();
    await dashboard.look(page, 'resources-light');
    await page.getByLabel('Find').fill('issue');
    await page.getByRole('row', { name: /readme/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /desk:\/\/\/issues\/\{number\} template/ }).waitFor();
    await page.getByRole('tab', { name: 'Prompts 1' }).click();
    await page.getByRole('row', { name: /triage repo, since optional Sorts what is wrong/ }).waitFor();
    await page.reload();
    await page.getByRole('row', { name: /triage/ }).waitFor();
    await dashboard.look(page, 'prompts-light');
    await page.getByRole('tab', { name: 'Tools 304' }).click();
    await page.getByRole('row', { name: /create_issue/ }).waitFor();
    await page.close();
  });

  test('a tool is tried from its schema: what does not fit is said at its field and not sent; it is called as whoever looks, by a key that is gone with the page', async () => {
    const page = await open('/ui/servers/desk/tools?tool=create_issue');
    const asked = form(page, 'create_issue');
    await asked.getByLabel('title').fill('It');
    await asked.getByLabel('count (optional)').fill('twelve');
    await asked.getByRole('button', { name: 'Call', exact: true }).click();
    await asked.getByText('It must have at least 3 characters.').waitFor();
    await asked.getByText('It must be a number.').waitFor();
    await asked.getByText('Required.').waitFor();
    expect(server.calls).toEqual([]);
    await asked.getByLabel('title').fill('Say "it\'s" \\n broken');
    await asked.getByLabel('count (optional)').fill('3');
    await asked.getByLabel('repo').fill('acme/site');
    await asked.getByRole('button', { name: 'Add to labels' }).click();
    await asked.getByRole('textbox', { name: 'labels 1' }).fill('bug');
    // There and back again, nothing is escaped twice.
    await asked.getByRole('tab', { name: 'JSON' }).click();
    const json = await asked.getByRole('textbox', { name: 'Arguments' }).inputValue();
    const args = { title: 'Say "it\'s" \\n broken', size: 'small', count: 3, labels: ['bug'], where: { repo: 'acme/site', draft: false } };
    expect(JSON.parse(json)).toEqual(args);
    await asked.getByRole('tab', { name: 'Form' }).click();
    expect(await asked.getByLabel('title').inputValue()).toBe(args.title);
    await asked.getByRole('button', { name: 'Check access' }).click();
    await page.locator('[data-decision=allow]').waitFor();
    expect(server.calls).toEqual([]);
    await asked.getByRole('button', { name: 'Call', exact: true }).click();
    const answer = page.getByRole('region', { name: 'The answer' });
    await answer.getByRole('heading', { name: 'Structured content' }).waitFor();
    expect(server.calls).toEqual([{ tool: 'create_issue', arguments: args }]);
    await answer.getByRole('img', { name: 'Passed all stops' }).waitFor();
    await dashboard.look(page, 'tool-tried-light');
    const trace = (await answer.getByRole('link', { name: 'Open trace' }).getAttribute('href')) ?? '';
    const { text } = await ask(`/v1/traces/${trace.split('/').at(-1) ?? ''}`);
    const { key_id: keyId } = (JSON.parse(text) as { trace: { context: { key_id: string } } }).trace.context;
    const key = async (): Promise<{ status: string; scopes: unknown }> =>
      (JSON.parse((await ask(`/v1/auth/keys/${keyId}`)).text) as { key: { status: string; scopes: unknown } }).key;
    expect(await key()).toMatchObject({ status: 'active', scopes: { mcp_servers: ['desk'], actions: ['tools.call'] } });
    await page.getByRole('link', { name: 'Servers' }).first().click();
    await until(async () => (await key()).status === 'revoked', { what: 'the end of the key' });
    await page.close();
  });

  test('an answer without content, one that says it failed and a tool that destroys are each shown as what they are', async () => {
    const page = await open('/ui/servers/desk/tools?tool=look');
    await form(page, 'look').getByLabel('path').fill('/srv');
    await form(page, 'look').getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByText('The tool succeeded and returned no content').waitFor();
    await page.getByRole('row', { name: /^fail/ }).click();
    await form(page, 'fail').getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByText('The tool reported a failure').waitFor();
    await page.getByText('the disk is full').first().waitFor();
    const before = server.calls.length;
    await page.getByRole('row', { name: /^drop_repo/ }).click();
    const drop = form(page, 'drop_repo');
    await drop.getByLabel('repo', { exact: true }).fill('acme/old');
    await drop.getByRole('button', { name: 'Call', exact: true }).click();
    await drop.getByText('Enter the exact name of the tool.').waitFor();
    expect(server.calls.length).toBe(before);
    await drop.getByLabel('Type drop_repo to call it').fill('drop_repo');
    await drop.getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByText('dropped acme/old').first().waitFor();
    await page.close();
  });

  test('a call that a rule refuses is not made unless asked for all the same, and then says which stop refused', async () => {
    await refuseDrops();
    const before = server.calls.length;
    const page = await open('/ui/servers/desk/tools?tool=drop_repo');
    const drop = form(page, 'drop_repo');
    await drop.getByLabel('repo', { exact: true }).fill('acme/old');
    await drop.getByLabel('Type drop_repo to call it').fill('drop_repo');
    await drop.getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByText('It would not get through, so nothing was called.').waitFor();
    await page.locator('[data-decision=deny]').waitFor();
    await page.getByRole('button', { name: 'Call anyway' }).click();
    const refused = page.getByRole('alert', { name: 'Why there is no answer' });
    await refused.getByText('at access', { exact: true }).waitFor();
    await dashboard.look(page, 'tool-refused-light');
    expect(server.calls.length).toBe(before);
    await page.getByRole('tab', { name: 'Access' }).click();
    await page.getByRole('tabpanel', { name: 'Access' }).getByRole('link', { name: 'no-drops' }).click();
    await page.waitForURL('**/ui/policies?rule=no-drops');
    await page.close();
  });

  test('a list of tools says which rule decides first of each; one is switched off in two clicks, whatever rules say, and on again', async () => {
    const { url, apiKey: key } = dashboard.gateway;
    const rule = { effect: 'deny', to: ['everyone'], servers: ['desk'], tools: ['LOOK'], when: 'args.path == "/etc"' };
    expect((await post(`${url}/v1/policies/no-etc`, rule, { key, method: 'PUT', headers: { 'if-match': '"0"' } })).status).toBeLessThan(300);
    const look = async (): Promise<number> => (await ask('/v1/mcp/desk/tools/call', { tool: 'look', arguments: { path: '/srv' } })).status;
    expect(await look()).toBe(200);
    const page = await open('/ui/servers/desk/tools');
    await page.getByRole('row', { name: /^look/ }).getByText('no-etc').click();
    const shown = tool(page, 'look');
    await shown.getByRole('link', { name: 'no-etc' }).waitFor();
    await shown.getByText('(with conditions)').waitFor();
    await shown.getByRole('button', { name: 'Disable tool' }).click();
    const asked = page.getByRole('alertdialog', { name: 'Disable look?' });
    await asked.getByLabel('Reason').fill('It reads too much.');
    await asked.getByRole('button', { name: 'Disable the tool' }).click();
    await shown.getByText('It reads too much.').waitFor();
    // To callers it is as if it were not there.
    expect(await look()).toBe(404);
    await dashboard.look(page, 'tool-off-light');
    await page.keyboard.press('Escape');
    await page.getByText('switched off').waitFor();
    await dashboard.look(page, 'tools-rules-light');
    await page.getByRole('row', { name: /^look/ }).getByText('switched off').click();
    await shown.getByRole('button', { name: 'Enable tool' }).click();
    await shown.getByRole('button', { name: 'Disable tool' }).waitFor();
    expect(await look()).toBe(200);
    await page.close();
  });

  test('a recorded call is made again with other arguments: what was masked is asked for, edits are shown, the new call is found and compared', async () => {
    const args = { title: 'It fails', where: { repo: 'acme/site' }, password: 'hunter2' };
    const made = await post(`${dashboard.gateway.url}/v1/mcp/desk/tools/call`, { tool: 'create_issue', arguments: args }, { key: dashboard.gateway.apiKey });
    const { trace_id: id } = (JSON.parse(made.text) as { metadata: { trace_id: string } }).metadata;
    const body = await until(async () => /"state":"kept"/.test((await ask(`/v1/traces/${id}`)).text), { what: 'the record of the call' });
    expect(body).toBe(true);
    const page = await open(`/ui/traces/${id}`);
    await page.getByRole('link', { name: 'Call again…' }).waitFor();
    await page.keyboard.press('r');
    const again = form(page, 'create_issue');
    await again.getByText('Masked in the recording').waitFor();
    expect(await again.getByLabel('title').inputValue()).toBe('It fails');
    expect(await page.content()).not.toContain('hunter2');
    const before = server.calls.length;
    await again.getByRole('button', { name: 'Call again' }).click();
    await again.getByText('It was masked when recorded: enter it again.').waitFor();
    expect(server.calls.length).toBe(before);
    await again.getByLabel('password (optional)').fill('another');
    await again.getByLabel('title').fill('It fails again');
    await again
      .getByRole('region', { name: 'Edits' })
      .getByRole('row', { name: /title It fails It fails again/ })
      .waitFor();
    await dashboard.look(page, 'tool-again-light');
    await again.getByRole('button', { name: 'Call again' }).click();
    await page.getByRole('link', { name: 'Compare with the original' }).waitFor();
    expect(server.calls.at(-1)).toMatchObject({ arguments: { title: 'It fails again', password: 'another' } });
    const found = page.getByText(/request:replay_of\.sp_/);
    const query = (await found.textContent()) ?? '';
    await page.getByRole('link', { name: 'Compare with the original' }).click();
    await page.waitForURL(`**/traces/compare?a=${id}&b=tr_*`);
    await page.close();
    const list = await open(`/ui/traces?q=${encodeURIComponent(query)}`);
    await list.getByRole('row', { name: /create_issue/ }).waitFor();
    expect(await list.getByRole('row', { name: /create_issue/ }).count()).toBe(1);
    await list.close();
  });

  test('a recorded call is copied as cURL, as the message of MCP, as code and as Markdown', async () => {
    await person.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await open(`/ui/traces/${run.traces.withoutReport}?tab=request`);
    for (const [form, begin] of [
      ['cURL', 'curl '],
      ['MCP JSON-RPC', '{\n  "jsonrpc"'],
      ['SDK code', 'import { GatewayOps }'],
      ['Markdown', '[search · query]'],
    ] as const) {
      await page.getByRole('button', { name: 'Copy as' }).click();
      await page.getByRole('menuitem', { name: form }).click();
      await until(async () => (await page.evaluate<string>('navigator.clipboard.readText()')).startsWith(begin), { what: form });
    }
    await page.close();
  });

  test('a recorded tools/list says by name which tools there are', async () => {
    const { trace_id: traceId } = (JSON.parse((await ask('/v1/mcp/desk/tools/list', {})).text) as { metadata: { trace_id: string } }).metadata;
    await until(async () => ((await ask(`/v1/traces/${traceId}`)).text.match(/"state":"kept"/g) ?? []).length === 2, {
      what: 'the record of the list',
      timeoutMs: 60_000,
    });
    const page = await open(`/ui/traces/${traceId}?tab=response`);
    // Of an answer that is longer than what is kept the beginning is there, as far as its values are whole.
    const answer = page.getByRole('tabpanel', { name: 'response' });
    await answer.getByText('"create_issue"').first().waitFor();
    await answer.getByText('"Writes down what is wrong."').first().waitFor();
    await answer.getByText(/Only the beginning was recorded, 66 kB of/).waitFor();
    expect(await answer.getByRole('link', { name: 'All tools of desk' }).getAttribute('href')).toContain('/servers/desk/tools');
    await answer.getByRole('region', { name: 'JSON' }).getByRole('button', { name: '[', exact: true }).first().waitFor();
    await dashboard.look(page, 'trace-tools-list');
    await page.close();
  });

  test('what calls of a server were like, and the last that failed, stand beside it; one that does not answer says at which step', async () => {
    const page = await open('/ui/servers/legacy-erp?tab=traffic');
    await page.getByRole('heading', { name: 'Latest failures' }).waitFor();
    await page.getByRole('link', { name: 'post_entry' }).last().waitFor();
    await dashboard.look(page, 'server-traffic-light');
    await page.getByRole('tab', { name: 'Tools' }).click();
    await page.getByText('It failed at connect').waitFor();
    await page.getByText('reaches this address and port').waitFor();
    await page.getByRole('button', { name: 'Connect and test' }).click();
    await page.getByText('It cannot be reached').waitFor();
    await page.getByText('reaches this address and port').waitFor();
    // Calls were made, and none of them went well: nobody says that it was not asked.
    await page.getByText('no successful call yet').first().waitFor();
    await page.getByText('No call has succeeded in the last 7 days.').waitFor();
    await dashboard.look(page, 'server-down-light');
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await page.getByText('change it there').waitFor();
    await page.close();
  });

  test('servers are added from a block for clients, one is changed while somebody else does, and deleted; nothing of either is lost', async () => {
    const page = await open('/ui/servers');
    await page.getByRole('button', { name: 'Add servers' }).click();
    const sheet = page.getByRole('dialog', { name: 'Add servers' });
    await sheet.getByRole('tab', { name: 'Paste a configuration' }).click();
    const entries = { added: { url: server.url, headers: { Authorization: 'Bearer not-taken' } }, 'no good': { url: server.url } };
    await sheet.getByLabel('Configuration').fill(JSON.stringify({ mcpServers: entries }));
    await sheet.getByText('Left out: headers Authorization').waitFor();
    await sheet.getByRole('button', { name: 'Add 2 servers' }).click();
    // One that cannot be made says why, and the other is made all the same.
    await sheet
      .getByRole('row', { name: /no good/ })
      .getByRole('alert')
      .waitFor();
    await dashboard.look(page, 'servers-added-light');
    await sheet.getByRole('link', { name: 'added' }).click();
    await page.getByRole('tab', { name: 'Configuration' }).click();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    const change = page.getByRole('dialog', { name: 'Change added' });
    const written = change.getByLabel('Specification');
    const spec = JSON.parse(await written.inputValue()) as object;
    expect(JSON.stringify(spec)).not.toContain('not-taken');
    await written.fill(JSON.stringify({ ...spec, connections_max: 7 }));
    const { gateway } = dashboard;
    const other = await post(
      `${gateway.url}/v1/servers/added`,
      { spec: { ...spec, timeout: '9s' } },
      { key: gateway.apiKey, method: 'PUT', headers: { 'if-match': '"1"' } },
    );
    expect(other.status).toBe(200);
    await change.getByRole('button', { name: 'Change the server' }).click();
    await change.getByRole('alert', { name: 'Changed in the meantime' }).getByText('timeout').waitFor();
    await change.getByRole('button', { name: 'Apply mine on top' }).click();
    await change.getByRole('button', { name: 'Change the server' }).click();
    await change.waitFor({ state: 'detached' });
    const { server: now } = JSON.parse((await ask('/v1/servers/added')).text) as { server: { managed: { spec: object } } };
    expect(now.managed.spec).toMatchObject({ connections_max: 7, timeout: '9s' });
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete the server' }).click();
    await page.waitForURL('**/ui/servers');
    expect((await ask('/v1/servers/added')).status).toBe(404);
    await page.close();
  });

  test('what is not known beside the list of servers is said, and no more once it is', async () => {
    const page = await person.newPage();
    let isAway = true;
    await page.route(/\/v1\/(?:metrics|switches)/, (route) => (isAway ? route.fulfill({ status: 500 }) : route.continue()));
    await page.goto(`${dashboard.gateway.url}/ui/servers`);
    const said = page.getByText('Unavailable: call figures, and which servers are switched off.');
    await said.waitFor();
    isAway = false;
    await page.evaluate("{ const now = Date.now; Date.now = () => now() + 600_000; window.dispatchEvent(new Event('visibilitychange')); }");
    await said.waitFor({ state: 'detached' });
    await page.close();
  });

  test('these pages stand in the dark too', async () => {
    await refuseDrops();
    await dashboard.expectPages(
      [
        ['tools', '/ui/servers/desk/tools', '304 tools'],
        ['tool', '/ui/servers/desk/tools?tool=create_issue', 'Try it'],
        ['server-access', '/ui/servers/desk?tab=access', 'no-drops'],
      ],
      'dark',
    );
  });
});
