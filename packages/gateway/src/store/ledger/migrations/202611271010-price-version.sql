-- Why: prices change with time; each call says by which version of the price list it was priced.
-- Lock cost: none; ClickHouse adds a column without touching the parts on disk.
-- Backfill: none; of earlier calls it is 0.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS price_version UInt32 AFTER retries;
