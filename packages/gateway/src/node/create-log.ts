/**
 * node: the processes of a node, the folder they live in and the channel between them. May import `config/` and
 * `kernel/`; starts what `assemble.ts` and `assemble-worker.ts` put together.
 */
import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Config } from '../config/config.ts';
import type { Log, LogFields } from '../kernel/log.ts';

/**
 * A log on stderr: one JSON line an event, or text for people. Errors among the fields lose their stack unless the level is debug. `onLine` gets
 * every line as JSON.
 */
export function createLog(options: Config['log'], base: LogFields = {}, onLine: (line: string) => void = () => undefined): Log {
  const stderr = openStderr((lines) => root.warn({ lines }, 'log.dropped'));
  const root = pino(
    { level: options.level, base, messageKey: 'event', timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    {
      write(line: string) {
        stderr.write(options.format === 'json' ? line : asText(line));
        onLine(line);
      },
    },
  );
  return wrap(root);

  function wrap(logger: pino.Logger): Log {
    return {
      debug: (event, fields) => logger.debug(plain(fields), event),
      info: (event, fields) => logger.info(plain(fields), event),
      warn: (event, fields) => logger.warn(plain(fields), event),
      error: (event, fields) => logger.error(plain(fields), event),
      child: (fields) => wrap(logger.child(fields)),
    };
  }

  function plain(fields: LogFields | undefined): LogFields {
    if (!fields) return {};
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? errorText(value) : value]));
  }

  function errorText(error: Error): string {
    return options.level === 'debug'
      ? (error.stack ?? error.message)
      : `${error.name}: ${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ''}`;
  }
}

/** stderr. A reader that has gone, or a disk that is full, ends nothing; `onDropped` is told what was lost once there is room. */
function openStderr(onDropped: (lines: number) => void): { write(line: string): void } {
  let dropped = 0;
  return {
    write(line) {
      try {
        writeSync(2, line);
      } catch {
        dropped++;
        return;
      }
      if (dropped === 0) return;
      const lines = dropped;
      dropped = 0;
      onDropped(lines);
    },
  };
}

function asText(line: string): string {
  try {
    const { level, time, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(event)}${rest.length > 0 ? `  ${rest.join(' ')}` : ''}\n`;
  } catch {
    return line;
  }
}
