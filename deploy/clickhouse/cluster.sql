-- Generated from packages/gateway/src/store/ledger/migrations; docs/scale.md says when it is needed. Run it in the database that
-- CLICKHOUSE_URL names, after replacing the name of the cluster, gatewayops, by yours. With the macros {shard} and {replica} set
-- on every server, as in servers.xml beside this file.

CREATE TABLE IF NOT EXISTS ledger_migrations_local ON CLUSTER 'gatewayops' (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') ORDER BY name;

CREATE TABLE IF NOT EXISTS ledger_migrations ON CLUSTER 'gatewayops' AS ledger_migrations_local ENGINE = Distributed('gatewayops', currentDatabase(), ledger_migrations_local, rand());

-- 202611210500-ledger;
CREATE TABLE IF NOT EXISTS calls_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    lightweight_mutation_projection_mode = 'rebuild';
CREATE TABLE IF NOT EXISTS calls ON CLUSTER 'gatewayops' AS calls_local ENGINE = Distributed('gatewayops', currentDatabase(), calls_local, cityHash64(trace_id));
CREATE TABLE IF NOT EXISTS costs_by_day_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (org_id, day, version, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS costs_by_day ON CLUSTER 'gatewayops' AS costs_by_day_local ENGINE = Distributed('gatewayops', currentDatabase(), costs_by_day_local, rand());
CREATE TABLE IF NOT EXISTS calls_by_minute_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(minute)
ORDER BY (org_id, minute, version, server, method, tool, status)
TTL toDateTime(minute) + toIntervalDay(90)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS calls_by_minute ON CLUSTER 'gatewayops' AS calls_by_minute_local ENGINE = Distributed('gatewayops', currentDatabase(), calls_by_minute_local, rand());
CREATE TABLE IF NOT EXISTS rollup_seals_local ON CLUSTER 'gatewayops'
(
    rollup LowCardinality(String),
    period DateTime('UTC'),
    version UInt64,
    source_rows UInt64
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY (rollup, period, version)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS rollup_seals ON CLUSTER 'gatewayops' AS rollup_seals_local ENGINE = Distributed('gatewayops', currentDatabase(), rollup_seals_local, rand());
CREATE TABLE IF NOT EXISTS payloads_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id, kind)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS payloads ON CLUSTER 'gatewayops' AS payloads_local ENGINE = Distributed('gatewayops', currentDatabase(), payloads_local, cityHash64(trace_id));
CREATE TABLE IF NOT EXISTS counted_tokens_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS counted_tokens ON CLUSTER 'gatewayops' AS counted_tokens_local ENGINE = Distributed('gatewayops', currentDatabase(), counted_tokens_local, cityHash64(trace_id));
CREATE TABLE IF NOT EXISTS call_chain_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (org_id, chain, entry)
TTL toDateTime(day) + toIntervalDay(32)
SETTINGS replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS call_chain ON CLUSTER 'gatewayops' AS call_chain_local ENGINE = Distributed('gatewayops', currentDatabase(), call_chain_local, rand());
INSERT INTO ledger_migrations (name, checksum) SELECT '202611210500-ledger', '82d86cdb3084bb39753cd2de12ea05f0150d30325570410aa578762315a66413';

-- 202611281800-restored-costs;
CREATE TABLE IF NOT EXISTS restored_costs_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(started_at)
ORDER BY (org_id, started_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS restored_costs ON CLUSTER 'gatewayops' AS restored_costs_local ENGINE = Distributed('gatewayops', currentDatabase(), restored_costs_local, rand());
INSERT INTO ledger_migrations (name, checksum) SELECT '202611281800-restored-costs', '4427040ed786315d0975c80b708fcda2d5d5be8370b8e34effff7a8dc1389128';

-- 202611282001-policy;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS policy LowCardinality(String);
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS policy LowCardinality(String);
INSERT INTO ledger_migrations (name, checksum) SELECT '202611282001-policy', '76e1deb15537a85251fdd5389856f6433cdc47eebdec89d0fdd49921a4fad911';

-- 202611282002-call-cost;
ALTER TABLE counted_tokens_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS call_cost Decimal(18, 9);
ALTER TABLE counted_tokens ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS call_cost Decimal(18, 9);
INSERT INTO ledger_migrations (name, checksum) SELECT '202611282002-call-cost', '0753df8ab10c43d39d380417f92fa98307417f292f89de55e39fede0ae81eba5';

-- 202611282003-tries;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS tries String;
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS tries String;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611282003-tries', 'b02451ce5b81ef5cc2ae3765f83b68f7f246f8f22900d7b1f22f31787573019c';

-- 202611282300-calls-by-day;
CREATE TABLE IF NOT EXISTS calls_by_day_local ON CLUSTER 'gatewayops'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY day
ORDER BY (org_id, day, version, server, method, tool, status)
TTL toDateTime(day) + toIntervalDay(91)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS calls_by_day ON CLUSTER 'gatewayops' AS calls_by_day_local ENGINE = Distributed('gatewayops', currentDatabase(), calls_by_day_local, rand());
INSERT INTO ledger_migrations (name, checksum) SELECT '202611282300-calls-by-day', 'e7f149179cc7596e926a629cb10cb920f2c3646b8b8e9f8c5a4811cb7b1ae141';

-- 202611290201-decision-id;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS decision_id String;
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS decision_id String;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611290201-decision-id', '71f790439aa5b3d757d5978db1f585aad7d634e518146f2668eb2e3091ae2b19';
