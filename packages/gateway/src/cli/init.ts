import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { configTemplate } from '../config/template.ts';
import { Fault } from '../kernel/fault.ts';
import type { Command } from './command.ts';
import { commandName } from './command-name.ts';
import { shellWord } from './shell-word.ts';

/** Writes the template; nothing at all where any of its files exists. */
export const init: Command = async ({ arguments: [folder = '.'], out, cwd }) => {
  const root = resolve(cwd, folder);
  const taken = configTemplate.map(({ path }) => join(root, path)).filter((path) => existsSync(path));
  if (taken[0] !== undefined)
    throw new Fault('usage', {
      reason: `${taken.join(' and ')} exist${taken.length === 1 ? 's' : ''} already; nothing was written. Name another folder: init DIR.`,
    });
  for (const { path, text } of configTemplate) write(join(root, path), text);

  const here = relative(cwd, root);
  const file = shellWord(join(here, 'gateway.yaml'));
  const command = commandName();
  const flag = here === '' ? '' : ` --config ${file}`;
  out.result({ folder: root, files: configTemplate.map(({ path }) => path) }, () =>
    [
      ...configTemplate.map(({ path }) => `${out.paint.green('+')} ${join(here, path)}`),
      '',
      'Next:',
      `  ${command} validate${flag}   check it`,
      `  ${command} plan${flag}       see what it makes`,
      `  ${command} start${flag}      run it`,
    ].join('\n'),
  );
  return undefined;
};

function write(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') throw new Fault('permission_denied', { path: dirname(path) }, { cause: error });
    if (code === 'ENOTDIR' || code === 'EEXIST')
      throw new Fault('usage', { reason: `${dirname(path)} is not a folder, or something is in the way in it.` }, { cause: error });
    throw error;
  }
}
