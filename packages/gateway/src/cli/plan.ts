import { resolve } from 'node:path';
import { planConfig, planText } from '../plan/plan.ts';
import type { Command } from './command.ts';
import { commandName } from './command-name.ts';
import { defaultConfigFile, loadNamedConfig } from './config-file.ts';
import { shortPath } from './report-problem.ts';
import { shellWord } from './shell-word.ts';

export const plan: Command = async (context) => {
  const file = context.options.text('file');
  if (file !== undefined) return (await import('./plan-against.ts')).planAgainst(context, file);
  const config = loadNamedConfig(context);
  const planned = planConfig(config);
  const isDefault = config.file === null || config.file === resolve(context.cwd, defaultConfigFile);
  const startCommand = `${commandName()} start${isDefault ? '' : ` --config ${shellWord(shortPath(config.file))}`}`;
  context.out.result(planned, () => planText(planned, startCommand));
  return undefined;
};
