-- Why: each row of calls has a place in the chain of the node that wrote it, and each batch of them an entry that holds their
-- hash and that of the entry before: what is edited, removed or inserted is found by reading the rows again.
-- Places follow time, so that the small index on them finds the rows of an entry without reading the day.
-- Lock cost: none; ClickHouse adds columns and indexes without touching parts.
-- Backfill: none; earlier calls are in no chain, and are told apart by their time.
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS chain LowCardinality(String),
    ADD COLUMN IF NOT EXISTS chain_seq UInt64 CODEC(Delta, LZ4);
ALTER TABLE calls ADD INDEX IF NOT EXISTS chain_seq_index chain_seq TYPE minmax GRANULARITY 1;

CREATE TABLE IF NOT EXISTS call_chain
(
    org_id LowCardinality(String),
    chain LowCardinality(String),
    entry UInt64 CODEC(DoubleDelta, LZ4),
    day Date,
    first_seq UInt64 CODEC(DoubleDelta, LZ4),
    row_count UInt32,
    rows_hash FixedString(64),
    columns LowCardinality(String),
    previous_hash FixedString(64),
    hash FixedString(64)
)
ENGINE = {engine:MergeTree}
PARTITION BY toYYYYMM(day)
ORDER BY (org_id, chain, entry)
TTL toDateTime(day) + toIntervalDay(32)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
