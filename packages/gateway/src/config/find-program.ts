import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

export type ProgramSearch = { readonly found: string } | { readonly found: null; readonly notExecutable: string | null };

const defaultFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The absolute path of the program that an argv names. A name with a "/" is that path (absolute here already); a bare name
 * is searched where the stdio bridge's child would find it: beside the running Node.js, in every `node_modules/.bin` from
 * `cwd` upwards, in `searchPath`, in the system's folders.
 */
export function findProgram(program: string, cwd: string, searchPath: string): ProgramSearch {
  const folders = [dirname(process.execPath), ...binFolders(cwd), ...searchPath.split(delimiter).filter((folder) => isAbsolute(folder)), ...defaultFolders];
  let notExecutable: string | null = null;
  for (const candidate of program.includes('/') ? [program] : folders.map((folder) => join(folder, program))) {
    if (!isFile(candidate)) continue;
    if (isExecutable(candidate)) return { found: candidate };
    notExecutable ??= candidate;
  }
  return { found: null, notExecutable };
}

function binFolders(cwd: string): string[] {
  const folders: string[] = [];
  for (let folder = cwd; ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules', '.bin'));
    if (dirname(folder) === folder) return folders;
  }
}

/** False also where this user may not look: a shell passes over such folders of its search path too. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** False also where this user may not look. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
