-- Why: which policy let a call pass, refused it or held it is asked of calls for as long as they are kept.
-- Lock cost: none; parts that are there already answer the empty text until they are merged.
-- Backfill: none; of calls of before it is not known.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS policy LowCardinality(String);
