-- Why: a server may have several targets, and a call that is safe to repeat may be tried more than once; the record says which
-- target answered and after how many further tries.
-- Lock cost: none; ClickHouse adds columns without touching the parts on disk.
-- Backfill: none; of earlier calls the target is empty and the tries are 0.
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS target LowCardinality(String) AFTER priced_by,
    ADD COLUMN IF NOT EXISTS retries UInt8 AFTER target;
