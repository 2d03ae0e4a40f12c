import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { Fault } from '../kernel/fault.ts';
import type { CommandContext } from './command.ts';

export const defaultConfigFile = 'gateway.yaml';

/**
 * The configuration that a command speaks of: its argument, --config, or gateway.yaml here. Where none is named, none
 * exists and the environment names servers, that alone. Faults: `usage`, `config_unreadable`, `config_invalid`.
 */
export function loadNamedConfig(
  context: Pick<CommandContext, 'arguments' | 'options' | 'env' | 'cwd'>,
  overrides: { readonly listen?: string | undefined } = {},
): Config {
  return loadConfig({ file: namedConfigFile(context), env: context.env, overrides });
}

function namedConfigFile({ arguments: [argument], options, env, cwd }: Pick<CommandContext, 'arguments' | 'options' | 'env' | 'cwd'>): string | null {
  const option = options.text('config');
  if (argument !== undefined && option !== undefined && argument !== option)
    throw new Fault('usage', { reason: 'Name the configuration once: as argument or with --config.' });
  const named = argument ?? option;
  if (named !== undefined) return resolve(cwd, named);
  const file = resolve(cwd, defaultConfigFile);
  return !existsSync(file) && Object.keys(env).some((name) => /^MCP_SERVER_\w+_URL$/.test(name)) ? null : file;
}
