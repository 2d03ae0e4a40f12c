/** What the door of a node shows, and until when it is good. Part of `assemble.ts`. */
import { randomBytes } from 'node:crypto';
import type { CompiledConfig } from './assemble-configuration.ts';
import { expiryText, type ListenTlsMaterial } from './config/listen-tls.ts';
import type { HealthState } from './control/health/read-health.ts';
import type { Clock } from './kernel/clock.ts';
import type { Log } from './kernel/log.ts';
import type { DoorTls } from './listener/secure-server.ts';

/** What the door shows. */
export interface Door {
  /** Null: it speaks no TLS. */
  tls(): DoorTls | null;
  /** The same with another key for tickets: what a client was once let in for does not outlive another certificate. */
  renewed(): DoorTls | null;
}

export function createDoor(material: () => ListenTlsMaterial | null): Door {
  let ticketKeys = randomBytes(48);
  const tls = (): DoorTls | null => {
    const shown = material();
    return shown && { ...shown.tls, ticketKeys };
  };
  return {
    tls,
    renewed() {
      ticketKeys = randomBytes(48);
      return tls();
    },
  };
}

/** Of the certificate that the door shows; well where it shows none. */
export function certificateState({ door }: CompiledConfig, nowMs: number): HealthState {
  const reason = door && expiryText(door.expiresAtMs, nowMs);
  return { state: door === null || reason === null ? 'ok' : nowMs >= door.expiresAtMs ? 'down' : 'degraded', reason };
}

/** How often it is said of a certificate that it expires. */
const certificateLogMs = 24 * 3_600_000;

/** Says in the log, now and every day, that the certificate of the door expires soon. Returns how to end. */
export function watchCertificate(served: () => CompiledConfig, clock: Pick<Clock, 'nowMs'>, log: Log): () => void {
  const look = (): void => {
    const { reason } = certificateState(served(), clock.nowMs());
    if (reason !== null) log.warn('tls.certificate_expires', { reason });
  };
  look();
  const timer = setInterval(look, certificateLogMs);
  timer.unref();
  return () => clearInterval(timer);
}
