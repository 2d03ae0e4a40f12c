import { UsageError } from './errors.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];

/** Where the client says what it does; `console` is one. Neither keys nor bodies are said. */
export type Logger = Readonly<Record<LogLevel, (text: string) => void>>;

/** Says what is of its level or above. */
export type Say = (level: LogLevel, text: string) => void;

/** `level` as written: that of the options, else GATEWAYOPS_LOG; undefined or `off` for silence. Faults: `UsageError`. */
export function sayerOf(level: string | undefined, logger: Logger): Say {
  if (level === undefined || level === 'off') return () => undefined;
  const least = levels.indexOf(level as LogLevel);
  if (least === -1)
    throw new UsageError(`There is no log level ${JSON.stringify(level)}.`, `Pass \`logLevel\`, or set GATEWAYOPS_LOG, to off, ${levels.join(', ')}.`);
  return (at, text) => {
    if (levels.indexOf(at) >= least) logger[at](`gatewayops: ${text}`);
  };
}
