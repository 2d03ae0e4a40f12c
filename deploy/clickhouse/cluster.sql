-- Generated from packages/gateway/src/store/ledger/migrations; docs/scale.md says when it is needed. Run it in the database that
-- CLICKHOUSE_URL names, after replacing the name of the cluster, gatewayops, by yours. With the macros {shard} and {replica} set
-- on every server, as in servers.xml beside this file.

CREATE TABLE IF NOT EXISTS ledger_migrations_local ON CLUSTER 'gatewayops' (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') ORDER BY name;

CREATE TABLE IF NOT EXISTS ledger_migrations ON CLUSTER 'gatewayops' AS ledger_migrations_local ENGINE = Distributed('gatewayops', currentDatabase(), ledger_migrations_local, rand());

-- 202611210500-calls;
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toDate(started_at)
PRIMARY KEY (org_id, started_at)
ORDER BY (org_id, started_at, trace_id, span_id)
TTL toDateTime(started_at) + toIntervalDay(30)
SETTINGS replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
CREATE TABLE IF NOT EXISTS calls ON CLUSTER 'gatewayops' AS calls_local ENGINE = Distributed('gatewayops', currentDatabase(), calls_local, cityHash64(trace_id));
INSERT INTO ledger_migrations (name, checksum) SELECT '202611210500-calls', 'cec82af0b3018cb365f6012fa210406b39887cbc658c85ae68f4a808075de1ef';

-- 202611210800-target-and-retries;
ALTER TABLE calls_local ON CLUSTER 'gatewayops'
    ADD COLUMN IF NOT EXISTS target LowCardinality(String) AFTER priced_by,
    ADD COLUMN IF NOT EXISTS retries UInt8 AFTER target;
ALTER TABLE calls ON CLUSTER 'gatewayops'
    ADD COLUMN IF NOT EXISTS target LowCardinality(String) AFTER priced_by,
    ADD COLUMN IF NOT EXISTS retries UInt8 AFTER target;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611210800-target-and-retries', 'aa1e4b586ae56659468295529b9b5df6030d436c7f16245f58e87b8aa7ecb64d';

-- 202611210810-transforms-cache;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS transforms String AFTER priced_by;
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS transforms String AFTER priced_by;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS cache LowCardinality(String) AFTER transforms;
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS cache LowCardinality(String) AFTER transforms;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611210810-transforms-cache', '1dc277b2d21baf8b5bd8d3ec9609322f311e057a85f5f504fc832f3aea47a8e4';

-- 202611271000-rollups;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD PROJECTION IF NOT EXISTS count_by_hour
(
    SELECT toStartOfHour(started_at), method, count()
    GROUP BY toStartOfHour(started_at), method
);
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD PROJECTION IF NOT EXISTS costs_by_day
(
    SELECT
        org_id, toDate(started_at), method, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by,
        count(), countIf(status IN ('error', 'timeout')), sum(input_tokens), sum(output_tokens), sum(duration_us), sum(cost)
    GROUP BY org_id, toDate(started_at), method, currency, team_id, user_id, project_id, agent, key_id, environment, server, tool, priced_by
);
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
INSERT INTO ledger_migrations (name, checksum) SELECT '202611271000-rollups', 'ef82926c7cfe7dfbdf5ed292f5a00846f7b581a5c8e828e10683fe2d3a5af9ff';

-- 202611271010-price-version;
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS price_version UInt32 AFTER retries;
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS price_version UInt32 AFTER retries;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611271010-price-version', '58426802ffdf6398ae0ef840f80620eac8f214e3d3e73c2cba8df6fb75680830';

-- 202611271101-runs;
ALTER TABLE calls_local ON CLUSTER 'gatewayops'
    ADD COLUMN IF NOT EXISTS session_id String AFTER client_name,
    ADD COLUMN IF NOT EXISTS asks String AFTER retries,
    ADD COLUMN IF NOT EXISTS upstream_spans String AFTER asks;
ALTER TABLE calls ON CLUSTER 'gatewayops'
    ADD COLUMN IF NOT EXISTS session_id String AFTER client_name,
    ADD COLUMN IF NOT EXISTS asks String AFTER retries,
    ADD COLUMN IF NOT EXISTS upstream_spans String AFTER asks;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611271101-runs', 'acfec34ab0dfc1e6890018e94991e0ff42f1b8adedd147c6c4a7296b819350f2';

-- 202611271200-payloads;
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
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS bodies LowCardinality(String) AFTER retries;
ALTER TABLE calls ON CLUSTER 'gatewayops' ADD COLUMN IF NOT EXISTS bodies LowCardinality(String) AFTER retries;
INSERT INTO ledger_migrations (name, checksum) SELECT '202611271200-payloads', '10456d8b5c4e053abce3c23e40753ba6bafdfbf13e3a41afd72a3decaa43b4c8';

-- 202611271310-call-chain;
ALTER TABLE calls_local ON CLUSTER 'gatewayops'
    ADD COLUMN IF NOT EXISTS chain LowCardinality(String),
    ADD COLUMN IF NOT EXISTS chain_seq UInt64 CODEC(Delta, LZ4);
ALTER TABLE calls ON CLUSTER 'gatewayops'
    ADD COLUMN IF NOT EXISTS chain LowCardinality(String),
    ADD COLUMN IF NOT EXISTS chain_seq UInt64 CODEC(Delta, LZ4);
ALTER TABLE calls_local ON CLUSTER 'gatewayops' ADD INDEX IF NOT EXISTS chain_seq_index chain_seq TYPE minmax GRANULARITY 1;
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
INSERT INTO ledger_migrations (name, checksum) SELECT '202611271310-call-chain', '33b703211bccd5a986ae0e7da7cc70d9b4906515c90c85d8c779856606151d3c';
