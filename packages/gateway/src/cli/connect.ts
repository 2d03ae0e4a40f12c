import { resolve } from 'node:path';
import { lineReader } from '../bridge/line-reader.ts';
import { isLoopback } from '../config/listen-address.ts';
import { resolveSecret } from '../config/read-secret.ts';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { createHttpLink } from '../link/http-link.ts';
import { openRemote } from '../link/open-remote.ts';
import type { Command, CommandContext } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { plain } from './output.ts';

const addressDefault = 'http://127.0.0.1:8080';
const keyDefault = 'GATEWAYOPS_API_KEY';

/** A stdio MCP server that is a gateway's endpoint: for clients that know only programs. Its output is MCP and nothing else. */
export const connect: Command = async (context) => {
  const url = endpointOf(context);
  const key = keyOf(context);
  if (key !== null && url.protocol === 'http:' && !isLoopback(url.hostname.replaceAll(/[[\]]/g, '')))
    say(`the key goes to ${url.host} unencrypted; use https:// outside of this machine`);
  const remote = openRemote(url);
  const over = Promise.withResolvers<number>();
  const told = new Set<string>();
  const link = createHttpLink({
    open: remote.open,
    headers: { 'user-agent': 'gatewayops-connect', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    where: url.href,
    reconnectMs: bounds.connectRetryMs,
    deliver(message) {
      if (process.stdout.write(`${message}\n`)) return;
      link.hold();
      process.stdout.once('drain', () => link.release());
    },
    onTrouble({ code, message, fix }) {
      // Each once: the client is told every time, as the answer to what it asked.
      if (told.has(code)) return;
      told.add(code);
      say(`${plain(message, 400)} ${plain(fix, 400)}`);
    },
  });
  const reader = lineReader(
    bounds.connectLineBytesMax,
    (line) => {
      if (line.length > 0) link.take(line);
    },
    () => {
      say(`a message of the client is longer than ${bounds.connectLineBytesMax} bytes`);
      over.resolve(exitCodes.usage);
    },
  );
  process.stdin.on('data', (chunk: Buffer) => reader.feed(chunk));
  process.stdin.on('error', () => over.resolve(exitCodes.ok));
  process.stdin.on('end', () => void finish(link).then(() => over.resolve(exitCodes.ok)));
  process.once('SIGTERM', () => over.resolve(exitCodes.ok));
  process.once('SIGINT', () => over.resolve(exitCodes.ok));
  const exitCode = await over.promise;
  // The gateway ends the session by itself where it cannot be told.
  await Promise.race([link.close(), new Promise((done) => setTimeout(done, bounds.linkCloseMs).unref())]);
  remote.close();
  process.stdin.destroy();
  return exitCode;
};

/** The input has ended: what was asked is still answered, within a bound. */
async function finish(link: { readonly inFlight: number }): Promise<void> {
  const until = performance.now() + bounds.connectFinishMs;
  while (link.inFlight > 0 && performance.now() < until) await new Promise((done) => setTimeout(done, 20));
}

/** `{url}/mcp/{server}`, `{url}/mcp` without a server, or the URL itself where it names an endpoint. Faults: `usage`. */
function endpointOf({ arguments: [server], options, env }: CommandContext): URL {
  const text = options.text('url') ?? env['GATEWAYOPS_URL'] ?? addressDefault;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Fault('usage', { reason: `--url must be an http:// or https:// address, such as ${addressDefault}.` });
  if (url.username !== '' || url.password !== '')
    throw new Fault('usage', { reason: `An address must not hold a credential; set ${keyDefault} instead, or name its place with --key.` });
  const base = url.pathname.replace(/\/+$/, '');
  const isEndpoint = /\/mcp(?:\/|$)/.test(base);
  if (server !== undefined && !/^(?:v\/)?[a-z0-9][a-z0-9_-]{0,62}$/.test(server))
    throw new Fault('usage', { reason: 'SERVER must be the name of a server, or v/NAME for a virtual server.' });
  if (server !== undefined && isEndpoint) throw new Fault('usage', { reason: 'Give the name of a server or the whole address of an endpoint, not both.' });
  url.pathname = isEndpoint ? base : `${base}/mcp${server === undefined ? '' : `/${server}`}`;
  url.hash = '';
  return url;
}

/** Null where none is set: routes without authentication need none. Faults: `usage`, `secret_unavailable`. */
function keyOf({ options, env, cwd }: CommandContext): string | null {
  const written = options.text('key');
  if (written === undefined) return env[keyDefault] ?? null;
  const [, kind, place = ''] = /^(env|file):(.{1,4096})$/.exec(written) ?? [];
  // What is written there may be the key itself, so it is not repeated.
  if (kind === undefined) throw new Fault('usage', { reason: '--key names the place of the key, never the key itself: env:NAME or file:PATH.' });
  return resolveSecret(kind === 'env' ? { env: place } : { file: resolve(cwd, place) }, env, '--key');
}

function say(text: string): void {
  process.stderr.write(`gateway connect: ${text}\n`);
}
