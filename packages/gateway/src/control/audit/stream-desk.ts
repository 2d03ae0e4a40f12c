/** The streams of the audit to other programs, as this node sees them. */
export interface StreamDesk {
  /** In the order of the configuration. */
  list(): readonly StreamStatus[];
}

export interface StreamStatus {
  readonly name: string;
  readonly kind: 'syslog' | 'webhook';
  /** Host and port, without path and credentials. */
  readonly target: string;
  readonly format: string;
  /**
   * `starting`: nothing is known yet; `ok`: the last delivery went well, or there was none to make; `failing`: it did not; `standby`: another node
   * sends.
   */
  readonly state: 'starting' | 'ok' | 'failing' | 'standby';
  /** Why it is failing, for an administrator's eyes; null where it is not. */
  readonly reason: string | null;
  /** Since when it is failing, ms since the epoch; null where it is not. */
  readonly failingSinceMs: number | null;
  /** Delivered, and deliveries that failed, since this node started. */
  readonly delivered: number;
  readonly failures: number;
  /** Events that are to be looked at, delivered or left out; null where that is not known. */
  readonly behind: number | null;
  readonly lastDeliveredAtMs: number | null;
}
