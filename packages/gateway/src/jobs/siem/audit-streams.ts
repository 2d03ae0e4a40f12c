/**
 * siem: the audit on its way to other programs, as it is written: syslog and webhooks, each stream at its own pace. Promises: at least once and in
 * order, as long as the registry keeps the events; nothing waits for a target, and without streams nothing runs.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StreamDesk } from '../../control/audit/stream-desk.ts';
import type { HealthProbe } from '../../control/health/read-health.ts';
import { runStream, type RunningStream, type StreamOptions } from './run-stream.ts';
import type { Sender } from './sender.ts';
import type { StreamData } from './stream-data.ts';
import { createSyslogSender } from './syslog-sender.ts';
import { createWebhookSender } from './webhook-sender.ts';

export interface AuditStreams extends StreamDesk {
  /** Those that are the same as before go on; the others end, or begin where their name was last. */
  configure(streams: readonly StreamData[]): Promise<void>;
  probes(): readonly HealthProbe[];
  stop(): Promise<void>;
}

export function createAuditStreams(options: Omit<StreamOptions, 'data' | 'sender'> & { readonly version: string }): AuditStreams {
  const { version, node, clock } = options;
  let running: readonly RunningStream[] = [];

  function senderOf(data: StreamData): Sender {
    const { to } = data;
    return to.kind === 'syslog' ? createSyslogSender({ ...data, to }, { node, version }) : createWebhookSender({ ...data, to }, { version }, clock);
  }

  return {
    list: () => running.map((stream) => stream.status()),
    async configure(streams) {
      const before = running;
      const isKept = ({ data }: RunningStream): boolean => streams.some((next) => isDeepStrictEqual(next, data));
      await Promise.all(before.filter((stream) => !isKept(stream)).map((stream) => stream.stop()));
      running = streams.map((data) => before.find((stream) => isDeepStrictEqual(stream.data, data)) ?? runStream({ ...options, data, sender: senderOf(data) }));
    },
    probes: () =>
      running.map((stream) => ({
        name: `audit_stream.${stream.data.name}`,
        required: false,
        check() {
          const { state, reason, target, failingSinceMs, behind } = stream.status();
          if (state === 'starting') return { state: 'starting', reason: null };
          if (state === 'standby') return { state: 'ok', reason: null, note: 'another node sends' };
          if (state === 'ok') return { state: 'ok', reason: null, ...(behind === null || behind === 0 ? {} : { note: `${behind} events are on their way` }) };
          const since = failingSinceMs === null ? '' : ` since ${new Date(failingSinceMs).toISOString()}`;
          return { state: 'degraded', reason: `${target}: ${reason ?? ''}${since}; ${behind ?? 'some'} events wait in the registry` };
        },
      })),
    async stop() {
      await Promise.all(running.map((stream) => stream.stop()));
      running = [];
    },
  };
}
