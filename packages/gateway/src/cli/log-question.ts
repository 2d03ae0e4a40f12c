import { parseDuration } from '../config/quantities.ts';
import { Fault } from '../kernel/fault.ts';
import type { OptionSpec, OptionValues } from './command.ts';
import { parseWhen } from './when.ts';

/** A span of time, from `otherwise` on where nothing is said. */
export function timeOptions(otherwise: string): readonly OptionSpec[] {
  return [
    { flags: '--since WHEN', about: 'Begin: a duration ago (15m, 24h, 7d), or a date or time.', otherwise },
    { flags: '--until WHEN', about: 'End, in the same forms.', otherwise: 'now' },
  ];
}

/** `calls`: how they are called where it is traces that are meant. */
export function callFilters(calls: 'calls' | 'with a call'): readonly OptionSpec[] {
  return [
    { flags: '--server NAME', about: `Only ${calls} to this server.` },
    { flags: '--tool NAME', about: `Only ${calls} of this tool.` },
    { flags: '--key ID', about: `Only ${calls} by this key.` },
    { flags: '--user ID', about: `Only ${calls} of this user.` },
    { flags: '--team ID', about: `Only ${calls} of this team.` },
    { flags: '--agent NAME', about: `Only ${calls} of this agent.` },
    { flags: '--min-duration DURATION', about: 'Only those that took at least so long, such as 500ms.' },
    { flags: '--max-duration DURATION', about: 'Only those that took at most so long.' },
  ];
}

/** Which calls are meant, as options of commands and as members of a request. */
export const callOptions: readonly OptionSpec[] = [
  { flags: '--query TEXT', about: 'What a call must be, such as "server:github -status:ok dur:>2s"; docs/guides/search.md has the language.' },
  ...timeOptions('24h'),
  { flags: '--trace ID', about: 'Only calls of this trace: tr_…, or the X-Trace-ID that its caller chose.' },
  { flags: '--status WORD', about: 'success (or ok), error, timeout, blocked, waiting, cancelled or unknown.' },
  ...callFilters('calls'),
];

export function callQuestion(options: OptionValues, nowMs: number): Record<string, string | undefined> {
  const from = parseWhen(options.text('since') ?? '24h', nowMs, -1, '--since');
  const to = parseWhen(options.text('until') ?? 'now', nowMs, -1, '--until');
  if (from >= to) throw new Fault('usage', { reason: '--since must lie before --until.' });
  return {
    start_time: new Date(from).toISOString(),
    end_time: new Date(to).toISOString(),
    query: options.text('query'),
    trace_id: options.text('trace'),
    status: options.text('status'),
    server: options.text('server'),
    tool: options.text('tool'),
    key_id: options.text('key'),
    user_id: options.text('user'),
    team_id: options.text('team'),
    agent: options.text('agent'),
    min_duration_ms: durationOf(options, 'min-duration'),
    max_duration_ms: durationOf(options, 'max-duration'),
  };
}

/** Milliseconds of an option that is a duration. Faults: `usage`. */
function durationOf(options: OptionValues, name: string): string | undefined {
  const text = options.text(name);
  const ms = text === undefined ? undefined : parseDuration(text);
  if (ms === null) throw new Fault('usage', { reason: `--${name} must be a duration such as 500ms, not "${(text ?? '').slice(0, 40)}".` });
  return ms?.toString();
}
