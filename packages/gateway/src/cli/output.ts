import picocolors from 'picocolors';
import type { Environment } from '../config/environment.ts';

export type Format = 'text' | 'json' | 'ndjson';
export type Paint = ReturnType<typeof picocolors.createColors>;

/** Where a command says things. Nothing that a server or a caller wrote reaches the terminal with control characters in it. */
export interface Output {
  readonly format: Format;
  /** Colours for stdout; no-ops where there is no terminal or colours are off. */
  readonly paint: Paint;
  /** The result: `value` as JSON, or the text. */
  result(value: unknown, text: () => string): void;
  /** A list: one document with -o json, one item a line with -o ndjson. */
  list(whole: unknown, items: readonly unknown[], text: () => string): void;
  /** What is neither a result nor an error: progress, notes, warnings. On stderr, in every format. */
  note(text: string): void;
}

export interface OutputOptions {
  readonly format: Format;
  readonly color: boolean;
  readonly env: Environment;
}

export function createOutput({ format, color, env }: OutputOptions): Output {
  const paint = picocolors.createColors(color && wantsColor(env, process.stdout.isTTY));
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  return {
    format,
    paint,
    result(value, text) {
      print(format === 'text' ? text() : JSON.stringify(value, null, format === 'json' && process.stdout.isTTY ? 2 : undefined));
    },
    list(whole, items, text) {
      if (format !== 'ndjson') return this.result(whole, text);
      for (const item of items) print(JSON.stringify(item));
    },
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** https://no-color.org, and CLICOLOR_FORCE for pipes that want colours. */
export function wantsColor(env: Environment, isTerminal: boolean | undefined): boolean {
  if (env['NO_COLOR'] !== undefined) return false;
  if (env['CLICOLOR_FORCE'] !== undefined && env['CLICOLOR_FORCE'] !== '0') return true;
  return isTerminal === true && env['TERM'] !== 'dumb';
}

/** Text of others, fit for a terminal: no control characters, no bidirectional overrides, one line, bounded. */
export function plain(text: string, charactersMax = 200): string {
  const line = text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
  return line.length > charactersMax ? `${line.slice(0, charactersMax - 1)}…` : line;
}
