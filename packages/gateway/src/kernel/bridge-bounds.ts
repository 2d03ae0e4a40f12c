/** The bounds of the stdio bridge (docs/reference/bridge.md), part of `bounds`. Those of a bridge's `limits` may be changed for one bridge. */
const KiB = 1024;
const MiB = 1024 * KiB;

export const bridgeBounds = {
  bridgeLineBytesMax: 8 * MiB,
  /** Bytes of calls that a process has not read yet before further calls are refused. */
  bridgeInputBytesMax: 16 * MiB,
  bridgeInFlightMax: 1024,
  bridgeSessionsMax: 32,
  bridgeSharedSessionsMax: 1000,
  bridgeSessionIdleMs: 1_800_000,
  /** How long a session must have been idle before a new one may take its place when all are taken. */
  bridgeSessionEvictMs: 60_000,
  bridgeSubscriptionsMax: 1024,
  bridgeReplayEventsMax: 1024,
  bridgeReplayBytesMax: 4 * MiB,
  bridgeSlowReaderMs: 30_000,
  bridgeStderrBytesPerSecond: 64 * KiB,
  bridgeStderrLineBytesMax: 4 * KiB,
  bridgeStartTimeoutMs: 60_000,
  bridgeConnectTimeoutMs: 10_000,
  bridgeProbeTimeoutMs: 5_000,
  bridgeTerminateMs: 2_000,
  bridgeKillMs: 5_000,
  bridgeBackoffMs: 1_000,
  bridgeBackoffMsMax: 60_000,
  bridgeCrashesMax: 5,
  bridgeCrashWindowMs: 60_000,
  bridgeQuarantineMs: 60_000,
  bridgeQuarantineMsMax: 900_000,
  bridgeUnansweredMax: 3,
} as const;
