-- Why: the wide record of every call, one row each; columns are those of record/call-row.ts, in its order.
-- Partitioned by day, so that retention drops whole parts; sorted by organization and time, so that a list of traces, a
-- sum of costs and the use of a key read only their own span of time. One trace is found by the index on its id.
-- The deduplication window makes a batch that is sent again with its token count once; fsync_after_insert lets the journal
-- delete what it has handed over.
-- Lock cost: none; the table is new.
-- Backfill: none.
CREATE TABLE IF NOT EXISTS calls
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
    parent_span_id String,
    started_at DateTime64(6, 'UTC') CODEC(DoubleDelta, LZ4),
    surface LowCardinality(String),
    era LowCardinality(String),
    protocol_version LowCardinality(String),
    method LowCardinality(String),
    tool String,
    request_id String,
    client_trace_id String,
    client_name LowCardinality(String),
    peer String,
    request_bytes UInt64,
    status LowCardinality(String),
    stop LowCardinality(String),
    fault_code LowCardinality(String),
    http_status UInt16,
    rpc_error_code Int32,
    duration_us UInt64,
    auth_us UInt32,
    access_us UInt32,
    limit_us UInt32,
    guard_us UInt32,
    server_us UInt32,
    reply_us UInt32,
    reply_bytes UInt64,
    reply_content_type LowCardinality(String),
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
