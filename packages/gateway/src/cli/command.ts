/**
 * cli: what a person or a script asks of the gateway in a shell. One command a file; `commands.ts` is the registry that help
 * and docs/reference/cli.md are made of. Imports `config/`, `plan/`, `bridge/`, `node/`. Promises: results on stdout and
 * everything else on stderr, the exit codes of `exit-codes.ts`, and no error without its cause and fix.
 */
import type { Environment } from '../config/environment.ts';
import type { Output } from './output.ts';

export interface CommandSpec {
  /** `['keys', 'create']`. */
  readonly name: readonly [string, ...string[]];
  /** One line, an imperative. */
  readonly summary: string;
  /** What the summary does not say. */
  readonly about?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Asks a running gateway: has --state and --url. */
  readonly client?: true;
  /** Prints a result: has -o, --json and --no-color. */
  readonly prints?: true;
  readonly examples?: readonly string[];
  /** Loads the command's file when it is wanted, so that no command pays for another. */
  readonly load: () => Promise<Command>;
}

export interface ArgumentSpec {
  /** `NAME`, `[NAME]` where it may be left out, `[NAME...]` for the rest of the line. */
  readonly form: string;
  readonly about: string;
}

export interface OptionSpec {
  /** `--name TEXT`; without a value it is a switch. */
  readonly flags: string;
  readonly about: string;
  readonly required?: true;
  /** May be given more than once. */
  readonly repeated?: true;
  /** What holds without it, for help; the command itself fills it in. */
  readonly otherwise?: string;
}

/** Ends with an exit code; none means 0. Throws a Fault or RemoteFault for everything that failed. */
export type Command = (context: CommandContext) => Promise<number | undefined>;

export interface CommandContext {
  readonly arguments: readonly string[];
  readonly options: OptionValues;
  readonly out: Output;
  readonly env: Environment;
  readonly cwd: string;
}

/** Options by their long name without dashes: `text('rate-limit')`. */
export interface OptionValues {
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  on(name: string): boolean;
}
