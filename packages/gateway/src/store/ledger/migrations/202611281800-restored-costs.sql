-- Why: a restored gateway knows what calls have cost whose rows it does not have: those that a backup had as sums, and those whose
-- retention was over. They are a source of `costs_by_day` beside `calls`, so that a day which has both is the sum of both.
-- Lock cost: none; the table is new.
-- Backfill: none.
CREATE TABLE IF NOT EXISTS restored_costs
(
    org_id LowCardinality(String),
    started_at DateTime64(6, 'UTC'),
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
    cost Decimal(38, 9)
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(started_at)
ORDER BY (org_id, started_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
