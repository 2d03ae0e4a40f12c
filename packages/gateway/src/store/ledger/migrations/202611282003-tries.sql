-- Why: of a call that was tried more than once it is asked which targets were tried, when, for how long and what came of it.
-- Lock cost: none; parts that are there already answer the empty text until they are merged.
-- Backfill: none; of calls of before only the number of tries is known.
ALTER TABLE calls ADD COLUMN IF NOT EXISTS tries String;
