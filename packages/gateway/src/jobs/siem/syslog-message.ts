import type { StoredRecord } from '../../chain/verify-events.ts';
import type { SyslogData } from './stream-data.ts';

/** What is the same for all messages of a node. */
export interface SyslogSource {
  readonly hostname: string;
  readonly node: string;
  readonly version: string;
}

/**
 * One event as a message of syslog (RFC 5424), framed by its number of bytes (RFC 6587, section 3.4.1; RFC 5425, section 4.3). `write` makes the
 * text behind the head; where the whole would be longer than `messageBytesMax`, it is asked again for the event without its detail.
 * The text has no byte order mark, which JSON and CEF readers stumble over.
 */
export function syslogFrame(
  event: StoredRecord,
  { facility, messageBytesMax }: Pick<SyslogData, 'facility' | 'messageBytesMax'>,
  source: SyslogSource,
  write: (event: StoredRecord) => string,
): Buffer {
  const head = headOf(event, facility, source);
  let message = Buffer.from(`${head} ${write(event)}`);
  if (message.length > messageBytesMax) {
    const short = { ...event, detail: { left_out_bytes: Buffer.byteLength(JSON.stringify(event.detail)) } };
    message = Buffer.from(`${head} ${write(short)}`).subarray(0, messageBytesMax);
  }
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

function headOf(event: StoredRecord, facility: number, { hostname, node, version }: SyslogSource): string {
  const priority = facility * 8 + severities[event.result];
  const time = new Date(event.atMs).toISOString();
  const sequence = event.sequence === null ? '' : `[meta sequenceId="${wrapped(event.sequence)}"]`;
  const data = `[origin software="GatewayOps" swVersion="${parameter(version)}"]${sequence}`;
  return `<${priority}>1 ${time} ${name(hostname, 255)} gatewayops ${name(node, 128)} ${name(event.action, 32)} ${data}`;
}

/** Informational, warning, error (RFC 5424, section 6.2.1). */
const severities: Readonly<Record<StoredRecord['result'], number>> = { success: 6, denied: 4, failed: 3 };

/** `sequenceId` goes from 1 to 2147483647 and begins anew (RFC 5424, section 7.3.1). */
function wrapped(sequence: number): number {
  return ((sequence - 1) % 2_147_483_647) + 1;
}

/** PRINTUSASCII; a dash stands for nothing. */
function name(text: string, charsMax: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, charsMax) || '-';
}

/** RFC 5424, section 6.3.3. */
function parameter(text: string): string {
  return text.replaceAll(/["\\\]]/g, '\\$&');
}
