import { basename, resolve } from 'node:path';
import { parseBridgeListen, type BridgeListen, type BridgeOptions } from '../bridge/bridge-options.ts';
import { runBridge } from '../bridge/run-bridge.ts';
import { isLoopback } from '../config/listen-address.ts';
import { Fault } from '../kernel/fault.ts';
import { createLog } from '../node/create-log.ts';
import type { Command, CommandContext } from './command.ts';

const listenDefault = '127.0.0.1:8090';

/** The bridge in the foreground, for sidecars: its log is JSON on stderr, its first line on stdout says where it listens. */
export const bridge: Command = async (context) => {
  const options = bridgeOptions(context);
  const log = createLog({ level: 'info', format: 'json' });
  const end = Promise.withResolvers<string>();
  // Before the start: a signal that comes while the bridge begins must not leave its program behind.
  process.once('SIGTERM', () => end.resolve('SIGTERM'));
  process.once('SIGINT', () => end.resolve('SIGINT'));
  const running = await runBridge(options, { log });
  process.stdout.write(`${JSON.stringify({ listening: true, address: running.address, port: running.port })}\n`);
  const reason = await end.promise;
  log.info('bridge_stopping', { reason });
  await running.stop();
  return undefined;
};

function bridgeOptions({ arguments: words, options, env, cwd }: CommandContext): BridgeOptions {
  const [program, ...rest] = words;
  if (program === undefined) throw new Fault('usage', { reason: 'No program is named: gateway bridge [options] -- COMMAND [ARGUMENTS].' });
  const processes = options.text('processes') ?? 'session';
  if (processes !== 'session' && processes !== 'shared') throw new Fault('usage', { reason: '--processes must be session or shared.' });
  return {
    name: options.text('name') ?? basename(program),
    listen: bridgeListen(options.text('listen') ?? listenDefault, options.list('host'), options.on('without-auth')),
    command: [program, ...rest],
    cwd: resolve(cwd, options.text('cwd') ?? '.'),
    env: { ...Object.fromEntries(options.list('env').map(assignment)), ...Object.fromEntries(options.list('pass-env').map((name) => passed(name, env))) },
    searchPath: env['PATH'],
    processes,
  };
}

function bridgeListen(text: string, hosts: readonly string[], withoutAuth: boolean): BridgeListen {
  const listen = parseBridgeListen(text);
  if ('path' in listen) return listen;
  if (!isLoopback(listen.host) && !withoutAuth) {
    throw new Fault('unsafe_start', {
      reason: `a bridge on ${text} would serve everyone who reaches it, and it asks no one who they are`,
      fix: 'Listen on 127.0.0.1 or a Unix socket, or add --without-auth where only the gateway can reach it.',
    });
  }
  return { ...listen, hosts };
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Fault('usage', { reason: '--env must be NAME=VALUE.' });
  return [text.slice(0, at), text.slice(at + 1)];
}

function passed(name: string, env: CommandContext['env']): [string, string] {
  const value = env[name];
  if (value === undefined) throw new Fault('usage', { reason: `--pass-env ${name.slice(0, 80)}: the variable is not set here.` });
  return [name, value];
}
