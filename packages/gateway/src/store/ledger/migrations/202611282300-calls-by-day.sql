-- Why: how fast and how well calls went is asked for months, of which `calls_by_minute` has as many rows as calls where those are few a minute.
-- A day has one row for each kind of call. It is summed up from `calls` when it is over, under seals of its own, as hours are.
-- A row outlives the last minute of its day by nothing: a day more than minutes, for a day begins when its first minute does.
-- Lock cost: none; the table is new.
-- Backfill: the gateway sums up the days whose calls are kept as soon as it runs; days of before are read from `calls_by_minute`.
CREATE TABLE IF NOT EXISTS calls_by_day
(
    org_id LowCardinality(String),
    day Date,
    version UInt64,
    server LowCardinality(String),
    method LowCardinality(String),
    tool String,
    status LowCardinality(String),
    calls UInt64,
    request_bytes UInt64,
    reply_bytes UInt64,
    latency AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), UInt64)
)
ENGINE = {engine:MergeTree}
PARTITION BY day
ORDER BY (org_id, day, version, server, method, tool, status)
TTL toDateTime(day) + toIntervalDay(91)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
