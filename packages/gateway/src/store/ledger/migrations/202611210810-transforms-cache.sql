-- Why: a trace shows which transformation rules changed a call, and whether its answer came from the cache.
-- Lock cost: none; ClickHouse adds a column without touching parts.
-- Backfill: none; earlier calls had neither.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS transforms String AFTER priced_by;
ALTER TABLE calls ADD COLUMN IF NOT EXISTS cache LowCardinality(String) AFTER transforms;
