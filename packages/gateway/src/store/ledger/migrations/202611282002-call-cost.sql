-- Why: what a call cost in all, its counted tokens included, is compared in queries (`cost:>0.5`). The row of the counted tokens says what the
-- call cost without them, so that one table answers: a join of all calls with all counts would be needed otherwise.
-- Lock cost: none; parts that are there already answer 0 until they are merged.
-- Backfill: none; calls that were counted before are compared by the larger of their two parts.
ALTER TABLE counted_tokens ADD COLUMN IF NOT EXISTS call_cost Decimal(18, 9);
