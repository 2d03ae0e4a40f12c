-- Why: a trace is an agent's run. Calls of one legacy session are found by its id; what a server asked of the client during a
-- call, and the spans that a server gave in its result, are shown as children of the call.
-- Lock cost: none; ClickHouse adds columns without touching the parts on disk.
-- Backfill: none; of earlier calls all three are empty, which is what they are where there is nothing to say.
ALTER TABLE calls
    ADD COLUMN IF NOT EXISTS session_id String AFTER client_name,
    ADD COLUMN IF NOT EXISTS asks String AFTER retries,
    ADD COLUMN IF NOT EXISTS upstream_spans String AFTER asks;
