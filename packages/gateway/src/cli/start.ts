import { closeSync, constants, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { createConfigLoader } from '../config/config-loader.ts';
import type { Config } from '../config/config.ts';
import { configFaultsOf } from '../config/config-fault.ts';
import { listenAddressText } from '../config/listen-address.ts';
import { checkSecrets } from '../config/secrets.ts';
import { Fault } from '../kernel/fault.ts';
import { listenFault } from '../kernel/listen-fault.ts';
import { createLog } from '../node/create-log.ts';
import { createLineRelay } from '../node/line-relay.ts';
import { stateFolderOwner } from '../node/state-folder.ts';
import { startGateway, type RunningGateway } from '../node/supervisor.ts';
import type { Command, CommandContext } from './command.ts';
import { loadNamedConfig } from './config-file.ts';
import { exitCodes } from './exit-codes.ts';
import { firstScreen } from './first-screen.ts';
import { defaultStateFolder } from './gateway-client.ts';
import { shortPath } from './report-problem.ts';
import { tryListen } from './try-listen.ts';

/**
 * A terminal sends one interrupt to npm, to the launcher and to this process, and each passes it on: what follows within
 * this time is the same interrupt.
 */
const sameInterruptMs = 500;

/** A terminal interrupts the children in the same moment; node may hear of what became of them before it hears of the signal. */
const interruptOnItsWayMs = 250;

export const start: Command = async (context) => {
  const { options, out, cwd } = context;
  const config = loadSafeConfig(context);
  requireSecrets(config, context);
  const stateFolder = resolve(cwd, options.text('state') ?? defaultStateFolder);

  // The door itself says so too, but only when everything behind it is open.
  const refusal = await tryListen(config.listen.host, config.listen.port);
  if (refusal !== null) {
    const pid = stateFolderOwner(stateFolder);
    // The program that has the address is most likely this gateway, started already.
    if (refusal === 'EADDRINUSE' && pid !== null) throw new Fault('state_locked', { path: stateFolder, pid });
    throw listenFault(listenAddressText(config.listen), { code: refusal });
  }

  const signals = listenForSignals();
  out.note(`Starting with ${config.file === null ? 'the environment alone' : shortPath(config.file)} …`);
  const lines = createLineRelay();
  const log = createLog(config.log, {}, lines.write);
  // What state it is in nobody knows: the next start goes on from what is on disk.
  process.on('uncaughtException', (error) => {
    log.error('gateway.crashed', { reason: error.stack ?? error.message });
    process.exit(exitCodes.defect);
  });
  const starting = startGateway({
    config,
    loader: createConfigLoader({ file: config.file, env: context.env, overrides: { listen: options.text('listen') } }),
    stateFolder,
    log,
    lines,
    onProgress: (text) => out.note(`  ${text}`),
  });
  const running = await starting.catch(async (error: unknown) => {
    // An interrupt that ended the children first fails the start, but is no fault: its own turn comes, and ends this process.
    await delay(interruptOnItsWayMs);
    // A busy process comes to its timers late, and to its signals after them.
    await setImmediate();
    throw error;
  });
  signals.onFirst((signal) => {
    out.note(`${signal}: letting calls in flight end. Interrupt again to end at once.`);
    void running.stop();
  });
  signals.onHangUp(() => running.reload());
  announce(running, config, stateFolder, context);
  const { exitCode } = await running.stopped;
  return exitCode;
};

function announce({ ready }: RunningGateway, config: Config, stateFolder: string, { out, cwd }: CommandContext): void {
  if (out.format === 'text') out.result(ready, () => firstScreen({ ready, config, stateFolder, cwd, paint: out.paint }));
  // One line, also on a terminal: programs read the first line.
  else process.stdout.write(`${JSON.stringify(ready)}\n`);
}

/** An open door is refused by the exit code for unsafe starts; every other fault of the configuration by its own. */
function loadSafeConfig(context: CommandContext): Config {
  try {
    return loadNamedConfig(context, { listen: context.options.text('listen') });
  } catch (error) {
    const [fault, ...others] = error instanceof Fault ? configFaultsOf(error) : [];
    if (fault?.unsafe !== true || others.some(({ unsafe }) => unsafe !== true)) throw error;
    const place = fault.line === null ? fault.path : `line ${fault.line}, ${fault.path}`;
    throw new Fault('unsafe_start', { reason: `${fault.message} (${place})`, fix: fault.fix }, { cause: new Error(fault.cause) });
  }
}

/** Throws the fault of the first secret that cannot be used, an unsafe one before all others; notes the rest. */
function requireSecrets(config: Config, { env, out }: CommandContext): void {
  const problems = checkSecrets(config, env).map(({ fault }) => fault);
  const worst = problems.find(({ code }) => code === 'unsafe_start') ?? problems[0];
  if (worst === undefined) return;
  for (const fault of problems) if (fault !== worst) out.note(`${fault.message}\n  fix: ${fault.fix}`);
  throw worst;
}

interface Signals {
  onFirst(stop: (signal: NodeJS.Signals) => void): void;
  onHangUp(reload: () => void): void;
}

/** The first signal asks for an end in order, a later one ends at once. Before there is anything to end, the first does too. */
function listenForSignals(): Signals {
  let stop: ((signal: NodeJS.Signals) => void) | null = null;
  let firstMs: number | null = null;
  const handle = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (firstMs !== null && nowMs - firstMs < sameInterruptMs) return;
    // Children see their channel close and end with it; the state folder's lock is taken over at the next start.
    if (firstMs !== null || stop === null) process.exit(exitCodes.interrupted);
    firstMs = nowMs;
    stop(signal);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  const hadTerminal = hasTerminal();
  let reload: (() => void) | null = null;
  // By custom the order to read the configuration anew; but also what a terminal says when it closes, and then nobody is left to serve.
  process.on('SIGHUP', () => {
    if (reload === null || (hadTerminal && !hasTerminal())) handle('SIGHUP');
    else reload();
  });
  return {
    onFirst: (given) => {
      stop = given;
    },
    onHangUp: (given) => {
      reload = given;
    },
  };
}

/** Whether this process has a terminal that is still there. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}
