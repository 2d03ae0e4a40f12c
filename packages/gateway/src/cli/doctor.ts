import { accessSync, constants, existsSync, statSync, statfsSync, type Stats } from 'node:fs';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { configFaultsOf } from '../config/config-fault.ts';
import { listenAddressText } from '../config/listen-address.ts';
import { sizeText } from '../config/quantities.ts';
import { expiryText } from '../config/listen-tls.ts';
import { checkSecrets, resolveListenTls } from '../config/secrets.ts';
import { asFault } from '../kernel/fault.ts';
import { stateFolderOwner } from '../node/state-folder.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command, CommandContext } from './command.ts';
import { defaultConfigFile, loadNamedConfig } from './config-file.ts';
import { exitCodes } from './exit-codes.ts';
import { defaultStateFolder, findStateFolder, openGatewayClient, type GatewayClient } from './gateway-client.ts';
import { plain, type Output } from './output.ts';
import { RemoteFault } from './remote-fault.ts';
import { countText, latencyText } from './say.ts';
import { tryListen } from './try-listen.ts';

interface Check {
  /** `config`, `port`, `state`, `gateway`, `server search` … */
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly fix: string | null;
}

/** Every check that can be made is made: one problem hides no other. Exit code 6 where there is a problem. */
export const doctor: Command = async (context) => {
  const { options, out } = context;
  const checks: Check[] = [];
  const show = (found: readonly Check[]): void => {
    checks.push(...found);
    // On a terminal each check appears when it is made: servers may take seconds.
    if (out.format !== 'json') for (const check of found) out.list(check, [check], () => checkText(check, out));
  };
  const remote = options.text('url') !== undefined || (options.text('state') === undefined && context.env['GATEWAYOPS_URL'] !== undefined);
  let config: Config | null = null;
  const { checks: gatewayChecks, client } = await checkGateway(context);
  if (!remote || options.text('config') !== undefined) {
    const loaded = checkConfiguration(context, client !== null);
    config = loaded.config;
    show(loaded.checks);
  }
  if (!remote) {
    if (config !== null || client === null) show([await checkPort(config, client !== null)]);
    show(checkState(context, config));
  }
  show(gatewayChecks);
  if (client !== null) for await (const check of checkServers(client)) show([check]);

  const problems = checks.filter(({ state }) => state === 'problem').length;
  const warnings = checks.filter(({ state }) => state === 'warning').length;
  if (out.format === 'json') out.result({ healthy: problems === 0, checks }, () => '');
  if (out.format === 'text') out.result(null, () => `${countText(problems, 'problem')}, ${countText(warnings, 'warning')}.`);
  return problems > 0 ? exitCodes.problemsFound : exitCodes.ok;
};

function checkText({ check, state, message, fix }: Check, { paint }: Output): string {
  const mark = state === 'ok' ? '✓' : state === 'warning' ? paint.yellow('▲') : paint.red('⬣');
  return `${mark} ${check}: ${plain(message, 500)}${fix === null ? '' : `\n    fix: ${plain(fix, 500)}`}`;
}

function ok(check: string, message: string): Check {
  return { check, state: 'ok', message, fix: null };
}

function problem(check: string, message: string, fix: string): Check {
  return { check, state: 'problem', message, fix };
}

function warning(check: string, message: string, fix: string): Check {
  return { check, state: 'warning', message, fix };
}

function checkConfiguration(context: CommandContext, running: boolean): { config: Config | null; checks: Check[] } {
  // One that runs has read a file that it was given: that there is none here is no problem of it.
  if (running && context.options.text('config') === undefined && !existsSync(resolve(context.cwd, defaultConfigFile)))
    return { config: null, checks: [ok('config', `not checked: there is no ${defaultConfigFile} here; name the one that runs with --config FILE`)] };
  try {
    const config = loadNamedConfig(context);
    const secrets = checkSecrets(config, context.env).map(({ fault }) => problem('secret', fault.message, fault.fix));
    return {
      config,
      checks: [
        ok('config', `${config.file ?? 'the environment alone'}, ${countText(config.servers.length, 'server')}`),
        ...secrets,
        ...checkCertificate(config, context, secrets.length === 0),
      ],
    };
  } catch (error) {
    const fault = asFault(error);
    const faults = configFaultsOf(fault);
    if (faults.length === 0) return { config: null, checks: [problem('config', fault.message, fault.fix)] };
    return { config: null, checks: faults.map((one) => problem('config', `${one.line === null ? '' : `line ${one.line}: `}${one.message}`, one.fix)) };
  }
}

function checkCertificate(config: Config, { env }: CommandContext, isUsable: boolean): Check[] {
  const door = isUsable ? resolveListenTls(config, env) : null;
  if (door === null) return [];
  const expiry = expiryText(door.expiresAtMs, Date.now());
  return [
    expiry === null
      ? ok('certificate', `valid until ${new Date(door.expiresAtMs).toISOString()}`)
      : warning('certificate', expiry, 'Put a renewed certificate in its place; the running gateway takes it up by itself.'),
  ];
}

/** Free, or held by the running gateway itself. */
async function checkPort(config: Config | null, running: boolean): Promise<Check> {
  if (config === null) return warning('port', 'not checked, because the configuration does not say which', 'Correct the configuration first.');
  const { host, port } = config.listen;
  const address = listenAddressText(config.listen);
  if (port === 0) return ok('port', 'any free one');
  if (running) {
    const reachable = await canConnect(host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port);
    return reachable
      ? ok('port', `${address} accepts connections`)
      : warning(
          'port',
          `nothing answers at ${address}; the gateway may have been started with --listen`,
          'Compare with the address that `gateway start` printed.',
        );
  }
  const error = await tryListen(host, port);
  if (error === null) return ok('port', `${address} is free`);
  if (error === 'EADDRINUSE') return problem('port', `${address} is in use by another program`, 'Stop that program, or start with --listen HOST:PORT.');
  if (error === 'EACCES') return problem('port', `this user may not listen on ${address}`, 'Use a port from 1024 on.');
  return problem('port', `${address} cannot be listened on (${error})`, 'Name an address of this machine in listen.http.');
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port });
    const end = (reached: boolean): void => {
      socket.destroy();
      done(reached);
    };
    socket.setTimeout(2000, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

const freeBytesMin = 256 * 1024 * 1024;

function checkState({ options, cwd }: CommandContext, config: Config | null): Check[] {
  const named = options.text('state');
  const folder = named === undefined ? (findStateFolder(cwd) ?? resolve(cwd, defaultStateFolder)) : resolve(cwd, named);
  if (!existsSync(folder)) return [checkNew(folder)];
  const stat = statSync(folder);
  if (!stat.isDirectory()) return [problem('state', `${folder} is not a folder`, 'Move it away, or name another folder with --state DIR.')];
  return [checkOwner(folder, stat), checkDisk(folder, config)];
}

/** A folder that `start` is to make. */
function checkNew(folder: string): Check {
  let parent = dirname(folder);
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return ok('state', `${folder} is new: \`gateway start\` makes it`);
  } catch {
    return problem(
      'state',
      `${folder} is new, and this user may not write in ${parent}`,
      'Give this user write access to it, or name another folder with --state DIR.',
    );
  }
}

function checkOwner(folder: string, { uid, mode }: Stats): Check {
  if (process.getuid !== undefined && uid !== process.getuid())
    return problem('state', `${folder} belongs to another user (${uid})`, 'Run as that user, or name another folder with --state DIR.');
  if ((mode & 0o077) !== 0) return problem('state', `others may enter ${folder} (mode ${(mode & 0o777).toString(8)})`, `Run: chmod 700 ${folder}`);
  const owner = stateFolderOwner(folder);
  return ok('state', owner === null ? `${folder}, not in use` : `${folder}, in use by process ${owner}`);
}

function checkDisk(folder: string, config: Config | null): Check {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const unit = free < 10 * 1024 ** 3 ? 1024 ** 2 : 1024 ** 3;
  const rounded = sizeText(Math.floor(free / unit) * unit);
  const wanted = config?.journal.spoolBytesMax ?? 0;
  if (free < freeBytesMin)
    return problem('disk', `${rounded} free at ${folder}; calls stop when it is full`, 'Free disk space, or name a folder elsewhere with --state DIR.');
  if (free < wanted)
    return warning('disk', `${rounded} free at ${folder}; the journal may take ${sizeText(wanted)}`, 'Free disk space, or lower journal.spool_max.');
  return ok('disk', `${rounded} free`);
}

async function checkGateway(context: CommandContext): Promise<{ client: GatewayClient | null; checks: Check[] }> {
  try {
    const client = openGatewayClient(context);
    const health = readAnswer(answers.health, await client.request('GET', '/v1/ready', { accept: [503] }), client.where);
    const checks = [
      health.status === 'unready'
        ? problem('gateway', 'runs, but cannot serve calls yet', 'See what is missing below.')
        : ok('gateway', `ready at ${client.where}`),
    ];
    for (const [name, { state, reason, note, required }] of Object.entries(health.dependencies ?? {})) {
      const text = `${state}${reason === null ? '' : `: ${reason}`}`;
      checks.push(
        state === 'ok'
          ? ok(plain(name), note === undefined ? 'ok' : `ok; ${note}`)
          : required === true && state !== 'degraded'
            ? problem(plain(name), text, 'Read the log of the gateway.')
            : warning(plain(name), text, 'Read the log of the gateway if it stays so.'),
      );
    }
    return { client, checks };
  } catch (error) {
    if (error instanceof RemoteFault) return { client: null, checks: [problem('gateway', error.message, error.fix ?? 'Use a key that holds health.read.')] };
    const fault = asFault(error);
    // Not running is what a check before the first start finds: no problem by itself.
    if (fault.code === 'gateway_unreachable')
      return { client: null, checks: [warning('gateway', `${fault.message}${fault.cause instanceof Error ? ` (${fault.cause.message})` : ''}`, fault.fix)] };
    return { client: null, checks: [problem('gateway', fault.message, fault.fix)] };
  }
}

async function* checkServers(client: GatewayClient): AsyncGenerator<Check> {
  let names: string[];
  try {
    names = readAnswer(answers.servers, await client.request('GET', '/v1/servers'), client.where).servers.map(({ name }) => name);
  } catch (error) {
    yield problem('servers', error instanceof Error ? error.message : String(error), 'Use a key that holds servers.read.');
    return;
  }
  for (const name of names) {
    const check = `server ${plain(name)}`;
    try {
      const { test } = readAnswer(answers.serverTest, await client.request('POST', `/v1/servers/${encodeURIComponent(name)}/test`), client.where);
      yield test.ok
        ? ok(check, `handshake ${latencyText(test.handshake_ms)}, tools/list ${latencyText(test.tools_ms)}, ${countText(test.tools?.length ?? 0, 'tool')}`)
        : problem(check, `${test.failed_at ?? 'test'} failed: ${test.reason ?? 'no reason was given'}`, `gateway servers test ${name}`);
    } catch (error) {
      yield problem(check, error instanceof Error ? error.message : String(error), `gateway servers test ${name}`);
    }
  }
}
