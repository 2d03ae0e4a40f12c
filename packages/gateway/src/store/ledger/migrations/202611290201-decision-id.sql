-- Why: a decision of a policy engine is found in the engine's own log by the name that it gave it.
-- Lock cost: none; parts that are there already answer the empty text until they are merged.
-- Backfill: none; no engine was asked before.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS decision_id String;
