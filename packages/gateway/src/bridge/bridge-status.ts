import type { Launcher } from './launcher.ts';
import type { ServerFacts } from './server-probe.ts';

export interface StatusSource {
  readonly name: string;
  readonly address: string;
  readonly processes: 'session' | 'shared';
  readonly startedAtMs: number;
  readonly ready: { readonly ready: boolean; readonly reason: string | null };
  readonly facts: ServerFacts | null;
  readonly launcher: Launcher;
  readonly sessions: { readonly open: number; readonly max: number };
  readonly droppedMessages: number;
}

/** The body of `/status` (docs/reference/bridge.md). It names no session id, no argument and no variable of a process. */
export function bridgeStatus(source: StatusSource): Readonly<Record<string, unknown>> {
  const { facts, launcher } = source;
  const children = launcher.children();
  const sum = (of: (child: (typeof children)[number]['child']) => number): number => children.reduce((total, { child }) => total + of(child), 0);
  return {
    name: source.name,
    pid: process.pid,
    address: source.address,
    processes: source.processes,
    started_at: new Date(source.startedAtMs).toISOString(),
    ready: source.ready.ready,
    reason: source.ready.reason,
    era: eraOf(facts),
    legacy: facts?.legacy ? { protocol_version: facts.legacy.protocolVersion, server_info: facts.legacy.serverInfo } : null,
    modern: facts?.modern ? { supported_versions: facts.modern.supportedVersions, server_info: facts.modern.serverInfo } : null,
    quarantine: { active: launcher.quarantined, retry_after_ms: launcher.waitMs() },
    sessions: source.sessions,
    starts: launcher.totals.starts,
    crashes: launcher.totals.crashes,
    failures: launcher.totals.failures,
    last_failure: launcher.lastFailure,
    skipped_lines: launcher.totals.skippedLines + sum((child) => child.counters.skippedLines),
    stderr_bytes: launcher.totals.stderrBytes + sum((child) => child.stderrBytes),
    stderr_dropped_bytes: launcher.totals.droppedBytes + sum((child) => child.droppedBytes),
    dropped_messages: source.droppedMessages,
    children: children.map(({ role, child }) => ({
      role,
      pid: child.pid,
      state: child.ending ? 'ending' : 'running',
      started_at: new Date(child.startedAtMs).toISOString(),
      messages_in: child.counters.messagesIn,
      messages_out: child.counters.messagesOut,
      skipped_lines: child.counters.skippedLines,
      stderr_bytes: child.stderrBytes,
      stderr_dropped_bytes: child.droppedBytes,
    })),
  };
}

function eraOf(facts: ServerFacts | null): 'legacy' | 'modern' | 'dual' | null {
  if (facts === null) return null;
  if (facts.legacy === null) return 'modern';
  return facts.modern === null ? 'legacy' : 'dual';
}
