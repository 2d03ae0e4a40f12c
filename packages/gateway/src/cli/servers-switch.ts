import type { Command } from './command.ts';
import { changeServer } from './servers-set.ts';

export const serversSwitch: Command = async (context) => {
  const {
    arguments: [name = '', target = ''],
  } = context;
  return changeServer(context, name, { active: target });
};
