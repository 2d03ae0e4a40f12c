import { createPrivateKey } from 'node:crypto';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:tls';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, makeAuthority, makeServerCertificate } from '../support/certificates.ts';
import { type ClientAuthority, type IssuedCertificate, makeClientAuthority, serverAuth } from '../support/client-authority.ts';
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

const [clientsFile, listFile] = [join(folder, 'clients.pem'), join(folder, 'clients.crl')];
const indexerUri = 'spiffe://acme.example/indexer';
let clients: ClientAuthority;
let indexer: IssuedCertificate;
const begunAt = new Date(Date.now() - 60_000).toISOString();

const settings = () => ({
  workers: 2,
  listen: { websocket: true, tls: { cert: certFile, key: { file: keyFile } } },
  servers: ['one', 'certified', 'either'].map((name) => ({ name, url: upstream.url })),
  routes: [
    { server: 'certified', auth: { type: 'mtls' } },
    { server: 'either', auth: { type: ['apiKey', 'mtls'] } },
  ],
  identity: {
    certificates: {
      authorities: [
        {
          name: 'clients',
          ca: clientsFile,
          crl: listFile,
          callers: [
            { uri: indexerUri, service_account: 'sva_indexer' },
            { dns: 'gone.example', agent: 'agt_gone' },
          ],
        },
      ],
    },
  },
});

function putList(text: string): void {
  writeFileSync(`${listFile}.new`, text);
  renameSync(`${listFile}.new`, listFile);
}

beforeAll(async () => {
  [authority, clients, upstream] = await Promise.all([makeAuthority(), makeClientAuthority(), startRecordingUpstream(modernServer())]);
  put(await makeServerCertificate(authority));
  indexer = await clients.issue({ uri: indexerUri });
  writeFileSync(clientsFile, clients.cert);
  putList(await clients.list());
  gateway = await startGateway({ config: settings() });
  const client = await open();
  const body = { id: 'sva_indexer', name: 'Indexer', role_ids: ['developer'] };
  expect((await client.request('/v1/service-accounts', { body, headers: { authorization: `Bearer ${gateway.apiKey}` } }).answer).status).toBe(201);
  client.close();
}, 120_000);
afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

const open = (shown: Partial<Certificate> = {}): Promise<Http2Client> => connectHttp2(gateway.url, { ca: authority.cert, cert: shown.cert, key: shown.key });
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

describe('callers by certificate', () => {
  const certified = () => {
    const { body, headers } = toolCall('echo', { text: 'x' });
    return { body, headers };
  };
  const statusOf = async (client: Http2Client, path: string, more: Record<string, string> = {}): Promise<number> => {
    const { body, headers } = certified();
    return (await client.request(path, { body, headers: { ...headers, ...more } }).answer).status;
  };

  test('are let in by the certificate of their connection where a route takes it, over HTTP/2, HTTP/1.1 and WebSocket, and nowhere else', async () => {
    const client = await open(indexer);
    upstream.forget();
    expect(await statusOf(client, '/mcp/certified')).toBe(200);
    expect(await statusOf(client, '/mcp/either')).toBe(200);
    expect(await statusOf(client, '/mcp/one')).toBe(401);
    expect(await statusOf(client, '/mcp/either', { authorization: `Bearer ${gateway.apiKey}` })).toBe(200);
    expect(await statusOf(client, '/mcp/certified', { authorization: `Bearer ${gateway.apiKey}` })).toBe(401);
    client.close();
    // The words of the certificate go no further than the door.
    expect(/client-cert|x-gatewayops|spiffe/i.test(upstream.requests.map(({ raw }) => raw.toString('latin1')).join(''))).toBe(false);
    const first = await callHttp1(indexer);
    expect(first).toBe(200);
    expect(await callHttp1({})).toBe(401);
    const socket = new WebSocket(`${gateway.url.replace('https', 'wss')}/mcp/certified`, ['mcp'], { ca: authority.cert, cert: indexer.cert, key: indexer.key });
    const answer = new Promise<string>((resolve, reject) => {
      socket.once('open', () => socket.send(JSON.stringify(modernRequest('tools/list', {}).body)));
      socket.once('message', (data) => resolve(Buffer.isBuffer(data) ? data.toString() : ''));
      socket.once('error', reject);
    });
    expect(JSON.parse(await answer)).toMatchObject({ result: { tools: expect.any(Array) } });
    socket.terminate();
  });

  test('are told by the command line whose their certificate is, from which no key leaves the machine', async () => {
    const listed = await gateway.cli('identity', 'certificates', 'list');
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/CN=clients authority[\s\S]*service account sva_indexer/) });
    const file = join(folder, 'asked');
    for (const content of [`${indexer.key}\n${indexer.cert}`, Buffer.from(indexer.base64, 'base64')]) {
      writeFileSync(file, content);
      expect(await gateway.cli('identity', 'certificates', 'test', file)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('service account sva_indexer, by uri'),
      });
    }
    writeFileSync(file, (await clients.issue({ dns: 'gone.example' })).cert);
    expect(await gateway.cli('identity', 'certificates', 'test', file)).toMatchObject({
      code: 6,
      stdout: expect.stringContaining('directory: the organization has no agent agt_gone'),
    });
    // A key in DER begins as a certificate does.
    for (const key of [indexer.key, createPrivateKey(indexer.key).export({ type: 'pkcs8', format: 'der' })]) {
      writeFileSync(file, key);
      expect(await gateway.cli('identity', 'certificates', 'test', file)).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no certificate') });
    }
  });

  test('are named in records as they are in the directory', async () => {
    const client = await open();
    const headers = { authorization: `Bearer ${gateway.apiKey}` };
    const found = await until(async () => {
      const asked = new URLSearchParams({ start_time: begunAt, end_time: new Date().toISOString(), query: 'key:"mtls:clients"' });
      const { text } = await client.request(`/v1/logs/requests?${asked.toString()}`, { headers }).answer;
      return text.includes('sva_indexer') ? text : null;
    });
    expect(found).toContain('"key_prefix":"mtls:clients"');
    client.close();
  });

  test('come in vain with what is not good, and hear nothing but 401; the operator is told the step', async () => {
    const foreign = await makeClientAuthority();
    const bad = await Promise.all([
      foreign.issue({ uri: indexerUri }),
      clients.issue({ uri: indexerUri, days: [-9, -1] }),
      clients.issue({ uri: indexerUri, days: [1, 9] }),
      clients.issue({ uri: indexerUri, purposes: [serverAuth] }),
      clients.issue({ uri: `${indexerUri}/other` }),
      clients.issue({ dns: 'gone.example' }),
    ]);
    for (const certificate of bad) {
      const client = await open(certificate);
      const { body, headers } = certified();
      const answer = await client.request('/mcp/certified', { body, headers }).answer;
      expect(answer).toMatchObject({ status: 401 });
      expect(answer.text).not.toMatch(/revoked|authority|spiffe|chain|mapping/i);
      // A key is as good there as it was.
      expect(await statusOf(client, '/mcp/one', { authorization: `Bearer ${gateway.apiKey}` })).toBe(200);
      client.close();
    }
    const steps = gateway.stderr().matchAll(/identity\.certificate_refused.*?"step":"(\w+)"|"step":"(\w+)".*?identity\.certificate_refused/g);
    expect(new Set(Array.from(steps, ([, one, other]) => one ?? other))).toEqual(new Set(['chain', 'time', 'usage', 'mapping', 'directory']));
  });

  test('A19: revoked in the midst of a stream are cut off, and a session that is begun again does not bring them back', async () => {
    const client = await open(indexer);
    const listen = modernRequest('subscriptions/listen', { notifications: {} }, 'sub');
    let text = '';
    const before = upstream.reply;
    upstream.reply = (asked, socket) =>
      asked.body.includes('subscriptions/listen')
        ? void socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: open\n\n')
        : before(asked, socket);
    const stream = client.request('/mcp/certified', { ...listen, onText: (more) => (text += more) });
    await until(() => text.includes('open'));
    const sessions: Buffer[] = [];
    client.session.socket.on('session', (session: Buffer) => void sessions.push(session));
    const other = await clients.issue({ uri: indexerUri });
    putList(await clients.list([indexer], { days: [-0.5, 7] }));
    await stream.answer;
    expect(await statusOf(client, '/mcp/certified')).toBe(401);
    client.close();
    const again = await connectHttp2(gateway.url, { ca: authority.cert, cert: indexer.cert, key: indexer.key, session: sessions.at(-1) });
    expect(await statusOf(again, '/mcp/certified')).toBe(401);
    again.close();
    const good = await open(other);
    expect(await statusOf(good, '/mcp/certified')).toBe(200);
    // A list that is over lets nobody in, until there is a new one; one that is none is not taken.
    putList(await clients.list([], { days: [-9, -0.1] }));
    await until(async () => (await statusOf(good, '/mcp/certified')) === 401);
    putList('no list');
    const refused = await until(async () => {
      const { code, stdout } = await gateway.cli('reload');
      return code === 6 ? stdout : null;
    });
    expect(refused).toContain('it holds no revocation list');
    putList(await clients.list([indexer]));
    // What was refused is not asked anew for ten seconds.
    await until(async () => (await statusOf(good, '/mcp/certified')) === 200, { timeoutMs: 30_000 });
    good.close();
    upstream.reply = before;
  });

  function callHttp1(shown: Partial<Certificate>): Promise<number> {
    const { body, headers } = certified();
    return new Promise((resolve, reject) => {
      const asked = httpsRequest(
        `${gateway.url}/mcp/certified`,
        {
          method: 'POST',
          agent: false,
          ca: authority.cert,
          cert: shown.cert,
          key: shown.key,
          headers: { ...headers, accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
        },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      asked.on('error', reject);
      asked.end(JSON.stringify(body));
    });
  }
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
