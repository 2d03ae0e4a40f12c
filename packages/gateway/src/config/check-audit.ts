/** What the shape cannot say of `audit.streams`: that each has one target, and one that may be sent to. */
import { refusedHost } from '../kernel/outward-address.ts';
import { checkHeaders, checkTlsPair, checkUrl } from './check-address.ts';
import type { Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import { isLoopback } from './listen-address.ts';
import type { AuditEntry, StreamEntry } from './schema-audit.ts';

export function checkAudit({ streams }: Pick<AuditEntry, 'streams'>, complain: Complain): void {
  for (const [index, stream] of streams.entries()) {
    const path = ['audit', 'streams', index];
    const first = streams.findIndex(({ name }) => name === stream.name);
    if (first < index) {
      const cause = `streams[${first}] has the name already, and how far a stream is stands under its name.`;
      complain([...path, 'name'], `two streams are named ${stream.name}`, cause, 'Give one of them another name.');
    }
    checkTarget(stream, path, complain);
  }
}

function checkTarget({ name, syslog, webhook }: StreamEntry, path: Path, complain: Complain): void {
  if ((syslog === undefined) === (webhook === undefined)) {
    const message = syslog === undefined ? `the stream ${name} leads nowhere` : `the stream ${name} has two targets`;
    complain(path, message, 'A stream has one target: syslog or webhook.', 'Write one of them; a second target is a second stream.');
  }
  if (syslog !== undefined) {
    checkHost(syslog.address.slice(0, syslog.address.lastIndexOf(':')), [...path, 'syslog', 'address'], complain);
    checkTlsPair(syslog.tls, [...path, 'syslog', 'tls'], complain);
    if (syslog.tls !== undefined && syslog.transport === 'tcp')
      complain([...path, 'syslog', 'tls'], 'the transport is tcp', 'tls would be used for nothing.', 'Write transport: tls, or remove tls.');
  }
  if (webhook === undefined) return;
  const url = URL.parse(webhook.url);
  checkUrl(webhook.url, [...path, 'webhook', 'url'], complain);
  checkTlsPair(webhook.tls, [...path, 'webhook', 'tls'], complain);
  checkHeaders(webhook.headers, [...path, 'webhook', 'headers'], complain);
  if (url === null) return;
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'))) {
    const cause = 'Everyone on the way could read what the audit says, and the headers.';
    complain([...path, 'webhook', 'url'], 'the events would be sent in clear', cause, 'Write https://; http:// is for receivers on this machine.');
  }
}

function checkHost(written: string, path: Path, complain: Complain): void {
  const refusal = refusedHost(written);
  if (refusal !== null) complain(path, `${written} is no place to send events to`, `Of such as it, ${refusal}.`, 'Write the name or address of the receiver.');
}
