import type { TokenRule } from '../store/state/state-store.ts';

/** What a worker and the supervisor say to each other about leases: plain data, small enough for every process boundary. */
export interface LeaseRequest {
  readonly bucket: string;
  readonly rule: TokenRule;
  /** Tokens asked for. */
  readonly want: number;
  /** Of these, tokens that calls wait for. 0: asked ahead of need, so nobody else is disturbed for it. */
  readonly need: number;
  /** Unspent tokens of earlier leases of this worker. */
  readonly returned: readonly LeaseReturn[];
}

export interface LeaseGrant {
  /** Fewer than `need`: no other worker of this node holds any either. */
  readonly granted: number;
  /** Left in the bucket. */
  readonly remaining: number;
  readonly resetAtMs: number;
  readonly windowIndex: number;
  /** Grows with every grant, so that a recall can name the last one that the worker should have. */
  readonly serial: number;
}

/** Unspent tokens on their way back. */
export interface LeaseReturn {
  readonly bucket: string;
  readonly rule: TokenRule;
  readonly windowIndex: number;
  readonly count: number;
}

/** Asks one worker to give back what it holds of `bucket`, once it has the grant `serial`. */
export interface LeaseRecall {
  readonly bucket: string;
  readonly serial: number;
}

/** How a worker gets a lease. Rejects where the supervisor does not answer. */
export type LeaseSource = (request: LeaseRequest) => Promise<LeaseGrant>;
