import { planConfig, planText } from '../plan/plan.ts';
import type { Command } from './command.ts';
import { loadNamedConfig } from './config-file.ts';

export const plan: Command = async (context) => {
  const planned = planConfig(loadNamedConfig(context));
  context.out.result(planned, () => planText(planned));
  return undefined;
};
