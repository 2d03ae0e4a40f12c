-- Why: the tables of the ledger.
-- `calls`: the wide record of every call, one row each; columns are those of record/call-row.ts, in its order. Partitioned by
-- day, so that retention drops whole parts; sorted by organization and time, so that a list of traces, a sum of costs and the
-- use of a key read only their own span of time. One trace is found by the index on its id. The deduplication window makes a
-- batch that is sent again with its token count once; fsync_after_insert lets the journal delete what it has handed over.
-- `costs_by_day`, `calls_by_minute`, `rollup_seals`: what calls cost is asked by day and by many groups, and kept when the calls
-- themselves are forgotten; how fast and how well calls go is asked by minute for longer than calls are kept. Both are summed up
-- from `calls` (store/ledger/rollups.ts). A view that adds up what is inserted would be wrong after a kill between the table and
-- the view. Here a period is summed up as a whole under a version of its own, and counts from the moment that `rollup_seals`
-- names the version: what is cut short or done twice is never read. A period with calls that are not in its seal is read from
-- `calls`; the projections make that cheap. They lie in the part itself, so they are as exact as the calls are.
-- `payloads`, `counted_tokens`: what callers sent and servers answered, masked before it is written anywhere; and the tokens of
-- calls whose tool reported none, counted from those bodies, with their price. The rows of a call have its place (org_id,
-- started_at, trace_id, span_id). A text is looked up by its index on runs of three characters of it in lower case: granules
-- hold about 10 MB, whatever the number of rows. `counted_tokens` is a source of `costs_by_day` beside `calls`.
-- `call_chain`: each row of calls has a place in the chain of the node that wrote it, and each batch of them an entry that holds
-- their hash and that of the entry before: what is edited, removed or inserted is found by reading the rows again. Places follow
-- time, so that the small index on them finds the rows of an entry without reading the day.
-- Lock cost: none; the tables are new.
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
    session_id String,
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
    transforms String,
    cache LowCardinality(String),
    target LowCardinality(String),
    retries UInt8,
    bodies LowCardinality(String),
    asks String,
    upstream_spans String,
    price_version UInt32,
    chain LowCardinality(String),
    chain_seq UInt64 CODEC(Delta, LZ4),
    INDEX trace_id_index trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX chain_seq_index chain_seq TYPE minmax GRANULARITY 1,
    PROJECTION count_by_hour
    (
        SELECT toStartOfHour(started_at), method, count()
        GROUP BY toStartOfHour(started_at), method
    ),
    PROJECTION costs_by_day
    (
        SELECT
            org_id, toDate(started_at), method, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by,
            count(), countIf(status IN ('error', 'timeout')), sum(input_tokens), sum(output_tokens), sum(duration_us), sum(cost)
        GROUP BY org_id, toDate(started_at), method, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by
    )
)
ENGINE = {engine:MergeTree}
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    lightweight_mutation_projection_mode = 'rebuild';

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
