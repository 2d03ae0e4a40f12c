import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';

export interface ChildTextLimits {
  readonly stderrBytesPerSecond: number;
  readonly stderrLineBytesMax: number;
}

/**
 * What a process writes that is not MCP, as log lines: at most so many bytes a second, the rest counted and dropped, so
 * that reading it never waits for the log. Values of the process's configured environment are blanked: a program that
 * prints its own token must not put it into our log.
 */
export interface ChildTextLog {
  /** Any bytes of stderr. */
  stderr(chunk: Buffer): void;
  /** A line of stdout that is no MCP message. */
  skippedLine(line: Buffer): void;
  /** Logs what is left, at the end of the process. */
  flush(): void;
  readonly bytes: number;
  readonly droppedBytes: number;
}

export function childTextLog(log: Log, clock: Clock, limits: ChildTextLimits, secrets: readonly string[]): ChildTextLog {
  // Short values ("1", "info") are no secrets, and blanking them would make the log unreadable.
  const blanked = secrets.filter((value) => value.length >= 8).toSorted((a, b) => b.length - a.length);
  const longest = blanked[0]?.length ?? 0;
  let allowance = limits.stderrBytesPerSecond;
  let refilledAt = clock.monotonicMs();
  let carry = '';
  /** Within a line of which the rest is not logged. */
  let skipping = false;
  let bytes = 0;
  let dropped = 0;
  let droppedReported = 0;

  /** Takes from the allowance of this second; the rest of `wanted` is counted as dropped. */
  function take(wanted: number): number {
    const now = clock.monotonicMs();
    if (now - refilledAt >= 1000) {
      refilledAt = now;
      allowance = limits.stderrBytesPerSecond;
      reportDropped();
    }
    const granted = Math.min(wanted, allowance);
    allowance -= granted;
    dropped += wanted - granted;
    return granted;
  }

  function reportDropped(): void {
    if (dropped === droppedReported) return;
    log.warn('bridge.child_text_dropped', { bytes: dropped - droppedReported, bytes_total: dropped });
    droppedReported = dropped;
  }

  /** `cut`: the text goes on, but not into the log; of a secret that the cut went through nothing may be shown. */
  function clean(text: string, cut: boolean): string {
    let shown = text;
    for (const secret of blanked) shown = shown.replaceAll(secret, '[env]');
    return cut ? `${shown.slice(0, Math.max(0, shown.length - longest))}…` : shown;
  }

  function line(text: string, cut: boolean): void {
    const shown = clean(text.trimEnd(), cut);
    if (shown !== '' && shown !== '…') log.info('bridge.child_stderr', { text: shown });
  }

  /** The rest of the line that has begun is not logged. */
  function cutOff(): void {
    line(carry.slice(0, limits.stderrLineBytesMax), true);
    carry = '';
    skipping = true;
  }

  return {
    stderr(chunk) {
      bytes += chunk.length;
      const granted = take(chunk.length);
      if (granted === 0) return cutOff();
      let text = chunk.toString('utf8', 0, granted);
      if (skipping) {
        const end = text.indexOf('\n');
        if (end < 0) return;
        skipping = false;
        text = text.slice(end + 1);
      }
      const lines = (carry + text).split('\n');
      carry = lines.pop() ?? '';
      for (const complete of lines) line(complete.slice(0, limits.stderrLineBytesMax), complete.length > limits.stderrLineBytesMax);
      if (carry.length <= limits.stderrLineBytesMax && granted === chunk.length) return;
      cutOff();
    },
    skippedLine(raw) {
      const granted = take(Math.min(raw.length, limits.stderrLineBytesMax));
      if (granted > 0) log.warn('bridge.child_line_skipped', { bytes: raw.length, text: clean(raw.toString('utf8', 0, granted), granted < raw.length) });
    },
    flush() {
      line(carry, false);
      carry = '';
      reportDropped();
    },
    get bytes() {
      return bytes;
    },
    get droppedBytes() {
      return dropped;
    },
  };
}
