/** A real nginx on a loopback port that balances over others, for the time of a test. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requires } from './requires.ts';
import { freePort, startTemporaryServer } from './temporary-server.ts';

export interface TemporaryNginx {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * As people run it: connections to the servers behind it are kept, a server that refuses one is passed over for a second. What the guide on several
 * nodes says (docs/guides/configuration.md) and no more: a POST is never sent twice. Needs the program `nginx`.
 */
export async function startNginx(ports: readonly number[]): Promise<TemporaryNginx> {
  const { path, missing } = requires('nginx');
  if (missing !== null) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'gatewayops-nginx-'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${join(folder, kind)};`);
  writeFileSync(
    file,
    `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join(' ')}
  upstream gateway {
    ${ports.map((one) => `server 127.0.0.1:${one} max_fails=1 fail_timeout=1s;`).join('\n    ')}
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`,
  );
  const server = await startTemporaryServer({
    command: [path, '-c', file, '-e', 'stderr'],
    folder,
    user: null,
    endSignal: 'SIGTERM',
    probe: () =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(void socket.destroy()));
        socket.on('error', reject);
      }),
  });
  return { port, stop: () => server.stop() };
}
