/** Debian's rsyslog as a receiver: what it read of each message, as it says it itself. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { freePort, startTemporaryServer } from './temporary-server.ts';
import type { Certificate } from './certificates.ts';

export interface Rsyslog {
  readonly port: number;
  messages(): readonly ReceivedMessage[];
  stop(): Promise<void>;
}

export interface ReceivedMessage {
  readonly facility: string;
  readonly severity: string;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly data: string;
  readonly message: string;
}

/** `tls`: asks for a client certificate of the same authority. */
export async function startRsyslog(
  program: string,
  options: { readonly tls?: { readonly authority: Certificate; readonly server: Certificate }; readonly port?: number } = {},
): Promise<Rsyslog> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-rsyslog-'));
  const output = join(folder, 'messages.jsonl');
  const port = options.port ?? (await freePort());
  mkdirSync(join(folder, 'work'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const { tls } = options;
  const driver = tls === undefined ? '' : ` StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid"`;
  const certificates =
    tls === undefined
      ? ''
      : `DefaultNetstreamDriverCAFile="${file('ca.pem', tls.authority.cert)}" DefaultNetstreamDriverCertFile="${file('cert.pem', tls.server.cert)}" DefaultNetstreamDriverKeyFile="${file('key.pem', tls.server.key)}"`;
  const property = (name: string, of: string): string => `property(name="${of}" outname="${name}" format="jsonf")`;
  const fields = Object.entries({
    facility: 'syslogfacility',
    severity: 'syslogseverity-text',
    time: 'timereported',
    host: 'hostname',
    app: 'app-name',
    procid: 'procid',
    msgid: 'msgid',
    data: 'structured-data',
    message: 'msg',
  }).map(([name, of]) => (name === 'time' ? `property(name="${of}" outname="${name}" dateFormat="rfc3339" format="jsonf")` : property(name, of)));
  const config = file(
    'rsyslog.conf',
    `global(workDirectory="${join(folder, 'work')}" maxMessageSize="64k" ${certificates})
module(load="imtcp")
template(name="received" type="list") { constant(value="{") ${fields.join(' constant(value=", ") ')} constant(value="}\\n") }
ruleset(name="kept") { action(type="omfile" file="${output}" template="received") }
input(type="imtcp" address="127.0.0.1" port="${port}" ruleset="kept"${driver})
`,
  );
  const server = await startTemporaryServer({
    command: [program, '-n', '-iNONE', '-f', config],
    folder,
    user: null,
    endSignal: 'SIGTERM',
    probe: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port }, () => resolve(void socket.destroy()));
        socket.once('error', reject);
      }),
  });
  return {
    port,
    messages: () =>
      existsSync(output)
        ? readFileSync(output, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as ReceivedMessage)
        : [],
    stop: () => server.stop(),
  };
}
