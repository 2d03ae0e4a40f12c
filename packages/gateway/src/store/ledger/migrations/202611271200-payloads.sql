-- Why: what callers sent and servers answered, masked before it is written anywhere; and the tokens of calls whose tool reported
-- none, counted from those bodies, with their price. The rows of a call have its place (org_id, started_at, trace_id, span_id).
-- Partitioned and sorted as `calls` are. A text is looked up by its index on runs of three characters of it in lower case:
-- granules hold about 10 MB, whatever the number of rows. `counted_tokens` is a source of `costs_by_day` beside `calls`.
-- Lock cost: none; the tables are new.
-- Backfill: none; of earlier calls no bodies were kept.
CREATE TABLE IF NOT EXISTS payloads
(
    org_id LowCardinality(String),
    key_id LowCardinality(String),
    key_prefix LowCardinality(String),
    user_id LowCardinality(String),
    team_id LowCardinality(String),
    project_id LowCardinality(String),
    agent LowCardinality(String),
    environment LowCardinality(String),
    node LowCardinality(String),
    server LowCardinality(String),
    currency LowCardinality(String),
    trace_id FixedString(32),
    span_id FixedString(16),
    started_at DateTime64(6, 'UTC') CODEC(DoubleDelta, LZ4),
    method LowCardinality(String),
    tool String,
    kind LowCardinality(String),
    content_type LowCardinality(String),
    headers String CODEC(ZSTD(3)),
    text String CODEC(ZSTD(3)),
    bytes UInt64,
    truncated UInt8,
    not_kept LowCardinality(String),
    masked String CODEC(ZSTD(3)),
    masked_count UInt32,
    source LowCardinality(String),
    sequence UInt64,
    INDEX trace_id_index trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX text_index lower(text) TYPE ngrambf_v1(3, 131072, 2, 0) GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id, kind)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS counted_tokens
(
    org_id LowCardinality(String),
    key_id LowCardinality(String),
    key_prefix LowCardinality(String),
    user_id LowCardinality(String),
    team_id LowCardinality(String),
    project_id LowCardinality(String),
    agent LowCardinality(String),
    environment LowCardinality(String),
    node LowCardinality(String),
    server LowCardinality(String),
    currency LowCardinality(String),
    trace_id FixedString(32),
    span_id FixedString(16),
    started_at DateTime64(6, 'UTC') CODEC(DoubleDelta, LZ4),
    method LowCardinality(String),
    tool String,
    input_tokens UInt32,
    output_tokens UInt32,
    tokens_source LowCardinality(String),
    cost Decimal(18, 9),
    priced_by LowCardinality(String),
    INDEX trace_id_index trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE calls ADD COLUMN IF NOT EXISTS bodies LowCardinality(String) AFTER retries;
