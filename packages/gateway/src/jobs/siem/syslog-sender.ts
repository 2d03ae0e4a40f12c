import { hostname } from 'node:os';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { formatEvent } from '../../control/audit/event-formats.ts';
import { createOutwardLookup, DeliveryError, deliveryErrorOf, requireOutward, type Sender } from './sender.ts';
import type { StreamData, SyslogData } from './stream-data.ts';
import { syslogFrame } from './syslog-message.ts';

/**
 * Syslog over TCP or TLS. The protocol has no acknowledgement: bytes that the kernel took are lost with the receiver. So each delivery
 * has a connection of its own, which is closed in order: a receiver that closes it too has read everything that came before the end
 * (TCP; close_notify of RFC 5425, section 4.4). Until then the delivery has not happened.
 */
export function createSyslogSender(
  { to, format, timeoutMs }: Pick<StreamData, 'format' | 'timeoutMs'> & { readonly to: SyslogData },
  product: { readonly node: string; readonly version: string },
): Sender {
  const { host, port, tls } = to;
  const source = { hostname: hostname(), ...product };
  const lookup = createOutwardLookup();

  function open(): Socket {
    // Half-open: the receiver's end does not come before it is sent.
    if (tls === null) return connectPlain({ host, port, lookup, allowHalfOpen: true });
    const options: ConnectionOptions & { readonly allowHalfOpen: true } = {
      host,
      port,
      lookup,
      allowHalfOpen: true,
      // An address is no name (RFC 6066, section 3): it is checked by itself.
      ...(tls.serverName !== null ? { servername: tls.serverName } : isIP(host) === 0 ? { servername: host } : {}),
      minVersion: 'TLSv1.2',
      ...(tls.ca === null ? {} : { ca: tls.ca }),
      ...(tls.cert === null || tls.key === null ? {} : { cert: tls.cert, key: tls.key }),
    };
    return connectTls(options);
  }

  return {
    target: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    encode: (event) => syslogFrame(event, to, source, (one) => formatEvent(format === 'json' ? 'jsonl' : format, one, product)),
    async send(events, _newestMs, signal) {
      requireOutward(host);
      const socket = open();
      const done = Promise.withResolvers<void>();
      const fail = (error: unknown): void => done.reject(deliveryErrorOf(error));
      const onAbort = (): void => fail(new DeliveryError('the gateway is stopping'));
      signal.addEventListener('abort', onAbort, { once: true });
      const late = setTimeout(() => fail(new DeliveryError(`it did not read everything and close the connection within ${timeoutMs} ms`)), timeoutMs);
      let finished = false;
      socket.on('error', fail);
      socket.once('close', () => fail(new DeliveryError('the connection was cut')));
      socket.once('finish', () => (finished = true));
      socket.once('end', () => (finished ? done.resolve() : fail(new DeliveryError('it closed the connection before it had read everything'))));
      // Whatever it says is not part of the protocol.
      socket.resume();
      socket.once(tls === null ? 'connect' : 'secureConnect', () => socket.end(Buffer.concat(events)));
      try {
        await done.promise;
      } finally {
        clearTimeout(late);
        signal.removeEventListener('abort', onAbort);
        socket.destroy();
      }
    },
    close: async () => undefined,
  };
}
