-- Why: what calls cost is asked by day and by many groups, and kept when the calls themselves are forgotten; how fast and how
-- well calls go is asked by minute for longer than calls are kept. Both are summed up from `calls` (store/ledger/rollups.ts).
-- A view that adds up what is inserted would be wrong after a kill between the table and the view. Here a period is summed up as
-- a whole under a version of its own, and counts from the moment that `rollup_seals` names the version: what is cut short or done
-- twice is never read. A period with calls that are not in its seal is read from `calls`; the projections make that cheap. They
-- lie in the part itself, so they are as exact as the calls are.
-- Lock cost: none; the tables are new, and ClickHouse adds projections without touching the parts on disk.
-- Backfill: none here; the gateway sums up what lies there when it has opened the ledger.
ALTER TABLE calls MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE calls ADD PROJECTION IF NOT EXISTS count_by_hour
(
    SELECT toStartOfHour(started_at), method, count()
    GROUP BY toStartOfHour(started_at), method
);
ALTER TABLE calls ADD PROJECTION IF NOT EXISTS costs_by_day
(
    SELECT
        org_id, toDate(started_at), method, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by,
        count(), countIf(status IN ('error', 'timeout')), sum(input_tokens), sum(output_tokens), sum(duration_us), sum(cost)
    GROUP BY org_id, toDate(started_at), method, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by
);
CREATE TABLE IF NOT EXISTS costs_by_day
(
    org_id LowCardinality(String),
    day Date,
    version UInt64,
    currency LowCardinality(String),
    team_id LowCardinality(String),
    user_id LowCardinality(String),
    project_id LowCardinality(String),
    agent LowCardinality(String),
    key_id LowCardinality(String),
    environment LowCardinality(String),
    server LowCardinality(String),
    tool String,
    priced_by LowCardinality(String),
    calls UInt64,
    errors UInt64,
    input_tokens UInt64,
    output_tokens UInt64,
    duration_us UInt64,
    cost Decimal(38, 9),
    source_rows UInt64
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(day)
ORDER BY (org_id, day, version, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS calls_by_minute
(
    org_id LowCardinality(String),
    minute DateTime('UTC') CODEC(DoubleDelta, LZ4),
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
PARTITION BY toDate(minute)
ORDER BY (org_id, minute, version, server, method, tool, status)
TTL toDateTime(minute) + toIntervalDay(90)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS rollup_seals
(
    rollup LowCardinality(String),
    period DateTime('UTC'),
    version UInt64,
    source_rows UInt64
)
ENGINE = {engine:MergeTree}
ORDER BY (rollup, period, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
