/** A program that signs in by a browser: it is started with one that only notes the address, a person answers there, and the program is told. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { answerConsent, type Person } from './person.ts';
import { until } from './poll.ts';
import { killTree } from './processes.ts';

export interface SignedIn {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SignInOptions {
  /** Home and working directory of the program. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Programs that speak to people only. */
  readonly terminal?: true;
  readonly timeoutMs?: number;
}

/** Ends when the program does, or kills it. Rejects where it opens nothing. */
export async function signInProgram(person: Person, command: readonly string[], options: SignInOptions): Promise<SignedIn> {
  const { home, timeoutMs = 60_000 } = options;
  const opened = join(home, 'opened');
  rmSync(opened, { force: true });
  const [file = '', ...args] = options.terminal === undefined ? command : ['script', '-qec', command.map(quoted).join(' '), '/dev/null'];
  const child = spawn(file, args, { cwd: home, env: programEnvironment(home, options.env), stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  // Some end with their input; nobody writes there.
  child.stdin.on('error', () => undefined);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (chunk: string) => (text[name] += chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  const timer = setTimeout(() => killTree(child.pid ?? 0), timeoutMs);
  try {
    const url = await until(() => addressIn(`${existsSync(opened) ? readFileSync(opened, 'utf8') : ''}\n${text.stdout}\n${text.stderr}`), {
      timeoutMs,
      what: `${command.join(' ')} to open a browser`,
    });
    const { location } = await answerConsent(person, url, 'allow');
    // No person is so quick that a program has to listen before it opens the browser.
    const answer = await until(() => fetch(location), { timeoutMs, what: `${command.join(' ')} to listen at ${location.origin}` });
    await answer.arrayBuffer();
    return { code: await ended, ...text };
  } catch (error) {
    throw new Error(`${command.join(' ')} did not sign in\n${text.stdout}\n${text.stderr}`, { cause: error });
  } finally {
    clearTimeout(timer);
    killTree(child.pid ?? 0);
  }
}

/** What a program of others gets to see of this machine: its home, and a browser that notes what it is sent to. */
export function programEnvironment(home: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const folder = join(home, 'bin');
  const browser = join(folder, 'xdg-open');
  if (!existsSync(browser)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$1" >>'${join(home, 'opened')}'\n`);
    chmodSync(browser, 0o755);
  }
  // Programs look for a display before they look for a browser.
  return { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, HOME: home, BROWSER: browser, DISPLAY: ':99', TERM: 'dumb', ...more };
}

/** Whole only where something follows it that no address has. */
function addressIn(text: string): URL | null {
  const found = /(https?:\/\/[A-Za-z0-9.:/_[\]-]+\/oauth\/authorize\?[A-Za-z0-9.~_%+*&=-]+)[^A-Za-z0-9.~_%+*&=-]/.exec(text)?.[1];
  return found === undefined ? null : URL.parse(found);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
