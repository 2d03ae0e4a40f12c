import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Certificate, makeAuthority, makeServerCertificate } from '../support/certificates.ts';
import { connectHttp2, type Http2Client } from '../support/http2-client.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { modernRequest, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply } from '../support/replies.ts';
import { removeGatewayFolders, runGateway, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

const folder = temporaryFolder();
const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
let authority: Certificate;
let upstream: RecordingUpstream;
let gateway: RunningGateway;

function put({ cert, key }: Certificate): void {
  writeFileSync(`${keyFile}.new`, key, { mode: 0o600 });
  writeFileSync(`${certFile}.new`, cert);
  renameSync(`${keyFile}.new`, keyFile);
  renameSync(`${certFile}.new`, certFile);
}

const settings = () => ({
  workers: 2,
  listen: { tls: { cert: certFile, key: { file: keyFile } } },
  servers: [{ name: 'one', url: upstream.url }],
});

beforeAll(async () => {
  [authority, upstream] = await Promise.all([makeAuthority(), startRecordingUpstream(modernServer())]);
  put(await makeServerCertificate(authority));
  gateway = await startGateway({ config: settings() });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

const open = (): Promise<Http2Client> => connectHttp2(gateway.url, { ca: authority.cert });
const call = () => {
  const { body, headers } = toolCall('echo', { text: 'x' });
  return { body, headers: { ...headers, authorization: `Bearer ${gateway.apiKey}` } };
};

function subject(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: gateway.port, host: '127.0.0.1', ca: authority.cert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('the gateway says its https address, and serves the API and MCP there', async () => {
  expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(gateway.adminLink).toMatch(/^https:/);
  const client = await open();
  expect((await client.request('/mcp/one', call()).answer).status).toBe(200);
  const health = await client.request('/v1/health', { headers: { authorization: `Bearer ${gateway.apiKey}` } }).answer;
  expect(JSON.parse(health.text)).toMatchObject({ dependencies: { certificate: { state: 'ok' } } });
  expect(health.headers).toMatchObject({ 'strict-transport-security': 'max-age=31536000', 'x-content-type-options': 'nosniff' });
  client.close();
});

test('H23: TLS 1.2 is refused where the configuration does not ask for it', async () => {
  const refused = new Promise<void>((resolve, reject) => {
    const socket = connect({ port: gateway.port, host: '127.0.0.1', ca: authority.cert, maxVersion: 'TLSv1.2' }, () => resolve());
    socket.once('error', reject);
  });
  await expect(refused).rejects.toMatchObject({ code: expect.stringContaining('ALERT_PROTOCOL_VERSION') });
});

test('a renewed certificate is shown without a restart by every worker; a bad one is refused while the old one serves', async () => {
  const client = await open();
  put(await makeServerCertificate(authority, { name: 'renewed', days: [-1, 5] }));
  await until(async () => (await subject()) === 'renewed', { timeoutMs: 15_000 });
  for (let index = 0; index < 8; index++) expect(await subject()).toBe('renewed');
  expect((await client.request('/mcp/one', call()).answer).status).toBe(200);
  const { stdout } = await gateway.cli('doctor', '--config', gateway.configFile);
  expect(stdout).toMatch(/certificate: the certificate of listen\.tls expires at /);

  const good = await makeServerCertificate(authority, { name: 'good again' });
  const other = await makeServerCertificate(authority, { name: 'other' });
  put({ cert: other.cert, key: good.key });
  const refused = await until(async () => {
    const { code, stdout: text } = await gateway.cli('reload');
    return code === 6 ? text : null;
  });
  expect(refused).toContain('it is not the key of the certificate');
  expect(await subject()).toBe('renewed');
  put(good);
  await until(async () => (await subject()) === 'good again', { timeoutMs: 15_000 });
  client.close();
});

test('what would keep every client away stops the start, with its fix', async () => {
  const good = await makeServerCertificate(authority);
  const file = join(folder, 'gateway.yaml');
  const start = async (pair: Partial<Certificate>, mode = 0o600): Promise<{ code: number | null; stderr: string }> => {
    const [cert, key] = [join(folder, 'b.crt'), join(folder, 'b.key')];
    writeFileSync(cert, pair.cert ?? good.cert);
    writeFileSync(key, pair.key ?? good.key);
    chmodSync(key, mode);
    writeFileSync(file, JSON.stringify({ version: 1, listen: { http: '127.0.0.1:0', tls: { cert, key: { file: key } } } }));
    return runGateway(['start', '--config', file, '--state', join(folder, 'other-state')]);
  };
  expect(await start({ key: (await makeServerCertificate(authority)).key })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('not the key of the certificate'),
  });
  expect(await start(await makeServerCertificate(authority, { days: [-9, -1] }))).toMatchObject({ code: 2, stderr: expect.stringContaining('expired at') });
  expect(await start({ cert: 'no certificate' })).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no certificate in PEM') });
  expect(await start({}, 0o644)).toMatchObject({ code: 78, stderr: expect.stringContaining(`chmod 600 ${join(folder, 'b.key')}`) });
});

test('SIGTERM with calls and subscriptions open over HTTP/2 ends them properly and exits 0', async () => {
  const clients = await Promise.all([open(), open(), open()]);
  upstream.forget();
  const listen = modernRequest('subscriptions/listen', { notifications: {} }, 'sub');
  upstream.reply = (asked, socket) => {
    if (asked.body.includes('subscriptions/listen')) socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: open\n\n');
    else return after(1_000, defaultReply)(asked, socket);
  };
  const texts = clients.map(() => '');
  const streams = clients.map((client, index) =>
    client.request('/mcp/one', {
      body: listen.body,
      headers: { ...listen.headers, authorization: `Bearer ${gateway.apiKey}` },
      onText: (text) => (texts[index] += text),
    }),
  );
  await until(() => texts.every((text) => text.includes('open')));
  const calls = clients.map((client) => client.request('/mcp/one', call()));
  await upstream.received(6);
  const stopped = gateway.stop();
  for (const { answer } of streams) expect((await answer).text).toContain('"resultType":"complete"');
  for (const { answer } of calls) expect(await answer).toMatchObject({ status: 200, resetCode: 0 });
  expect(await stopped).toBe(0);
});
