/** `audit` as it is written → what the registry, and the streams to other programs, go by. */
import { isAbsolute, resolve } from 'node:path';
import type { AuditConfig, AuditStreamConfig, SecretReference, UpstreamTlsConfig } from './config.ts';
import { parseDuration, parseSize } from './quantities.ts';
import { syslogFacilities, type AuditEntry, type StreamEntry } from './schema-audit.ts';

type Tls = NonNullable<StreamEntry['syslog']>['tls'];

export function buildAudit(entry: AuditEntry, folder: string, reference: (secret: SecretReference) => SecretReference): AuditConfig {
  const file = (path: string | undefined): string | null => (path === undefined ? null : isAbsolute(path) ? path : resolve(folder, path));

  function buildTls(tls: Tls): UpstreamTlsConfig | null {
    if (tls === undefined) return null;
    return { caFile: file(tls.ca), certFile: file(tls.cert), key: tls.key === undefined ? null : reference(tls.key), serverName: tls.server_name ?? null };
  }

  function buildTarget({ syslog, webhook }: StreamEntry): AuditStreamConfig['to'] | null {
    if (syslog !== undefined) {
      const at = syslog.address.lastIndexOf(':');
      return {
        kind: 'syslog',
        host: syslog.address.slice(0, at).replace(/^\[(.*)\]$/, '$1'),
        port: Number(syslog.address.slice(at + 1)),
        tls: syslog.transport === 'tcp' ? null : (buildTls(syslog.tls) ?? { caFile: null, certFile: null, key: null, serverName: null }),
        facility: syslogFacilities[syslog.facility],
        messageBytesMax: parseSize(syslog.message_max) ?? 0,
      };
    }
    if (webhook === undefined) return null;
    const headers = Object.entries(webhook.headers).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : reference(value)]);
    return {
      kind: 'webhook',
      url: webhook.url,
      tls: buildTls(webhook.tls),
      headers: Object.fromEntries(headers) as Readonly<Record<string, string | SecretReference>>,
      secrets: webhook.secrets.map(reference),
    };
  }

  return {
    retentionDays: Number.parseInt(entry.retention, 10),
    trustedKeys: entry.trusted_keys,
    streams: entry.streams.flatMap((stream): AuditStreamConfig[] => {
      const to = buildTarget(stream);
      const { name, format, events, except, calls, from, batch, timeout } = stream;
      // One without a target is reported by the check of it.
      return to === null ? [] : [{ name, format, events, except, calls, from, batchMax: batch, timeoutMs: parseDuration(timeout) ?? 0, to }];
    }),
  };
}
