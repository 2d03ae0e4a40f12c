import { statSync } from 'node:fs';
import { constants, access, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { Fault } from '../kernel/fault.ts';

export interface EnvironmentSource {
  /** What the configuration lists for this process; it wins over the defaults. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Further folders for PATH, separated as in PATH; relative ones are left out. */
  readonly searchPath: string;
  readonly home: string;
}

const defaultFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Variables by which an interpreter or the loader runs code that is not the command's own. */
const refused =
  /^(?:NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|LD_.*|DYLD_.*|PYTHON.*|PERL5OPT|PERL5LIB|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS)$/;

/**
 * The whole environment of a process: PATH, HOME, LANG and what the configuration lists; nothing is inherited. PATH
 * begins with the running Node's folder and every `node_modules/.bin` from `cwd` upwards.
 *
 * Faults: `unsafe_start` for a refused or malformed variable.
 */
export function processEnvironment(source: EnvironmentSource): Record<string, string> {
  for (const [name, value] of Object.entries(source.env)) {
    const reason = refusal(name, value);
    if (reason !== null) throw new Fault('unsafe_start', { reason, fix: `Remove ${name.slice(0, 80)} from \`env\` of this server.` });
  }
  const folders = [dirname(process.execPath), ...binFolders(source.cwd), ...source.searchPath.split(delimiter).filter(isAbsolute), ...defaultFolders];
  return { PATH: [...new Set(folders)].join(delimiter), HOME: source.home, LANG: 'C.UTF-8', ...source.env };
}

function refusal(name: string, value: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `the environment variable name "${name.slice(0, 80)}" is not valid`;
  if (refused.test(name)) return `the environment variable ${name} can make a process run code that is not its own`;
  if (value.includes('\0')) return `the environment variable ${name} has a NUL in its value`;
  return null;
}

function binFolders(cwd: string): string[] {
  const folders: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const bin = join(folder, 'node_modules', '.bin');
    if (isFolder(bin)) folders.push(bin);
    if (dirname(folder) === folder) return folders;
  }
}

/** False also for one that this user may not look into. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * The absolute path of the program that `command` names: a path relative to `cwd`, or a name searched in `path`. Null
 * where no executable file is found.
 */
export async function resolveCommand(command: string, cwd: string, path: string): Promise<string | null> {
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : path
        .split(delimiter)
        .filter(isAbsolute)
        .map((folder) => join(folder, command));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
