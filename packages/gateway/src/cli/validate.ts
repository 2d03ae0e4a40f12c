import { configFaultsOf } from '../config/config-fault.ts';
import { checkSecrets } from '../config/secrets.ts';
import { asFault } from '../kernel/fault.ts';
import type { Command } from './command.ts';
import { loadNamedConfig } from './config-file.ts';
import { exitCodes } from './exit-codes.ts';
import { configFaultBody, configFaultText, shortPath } from './report-problem.ts';
import { countText } from './say.ts';

/** The faults are the result: they go to stdout. A file that cannot be read is an error. */
export const validate: Command = async (context) => {
  const { out, env } = context;
  try {
    const config = loadNamedConfig(context);
    const warnings = checkSecrets(config, env).map(({ setting, fault }) => ({ path: setting, message: fault.message, fix: fault.fix }));
    out.result({ valid: true, file: config.file, servers: config.servers.length, routes: config.routes.length, warnings }, () =>
      [
        ...warnings.map(({ message, fix }) => `${out.paint.yellow('▲')} ${message}\n    fix: ${fix}`),
        `✓ ${config.file === null ? 'the environment' : shortPath(config.file)} is valid: ${countText(config.servers.length, 'server')}, ${countText(config.routes.length, 'route')}${warnings.length === 0 ? '' : `, ${countText(warnings.length, 'warning')}`}`,
      ].join('\n'),
    );
    return exitCodes.ok;
  } catch (error) {
    const fault = asFault(error);
    const faults = configFaultsOf(fault);
    if (faults.length === 0) throw error;
    const file = typeof fault.extra?.['file'] === 'string' ? fault.extra['file'] : null;
    const leftOut = Number(fault.extra?.['faults_left_out'] ?? 0);
    const bodies = faults.map(configFaultBody);
    out.list({ valid: false, file, faults: bodies, faults_left_out: leftOut }, bodies, () =>
      [
        ...faults.map((one) => configFaultText(one, file, out.paint)),
        '',
        `⬣ ${file === null ? 'the environment' : shortPath(file)} has ${countText(faults.length + leftOut, 'fault')}`,
      ].join('\n'),
    );
    return exitCodes.problemsFound;
  }
};
