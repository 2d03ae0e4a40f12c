-- Why: a wrong key cost a bcrypt, so that whoever tried keys without end kept others waiting. A few bits of a digest tell most wrong ones before that; they
-- name the hash that they are beside, so that a node that knows nothing of them can give a key another secret.
-- Lock cost: none to speak of; two columns without a default are added.
-- Older nodes: go on; they look at hashes alone.
-- Backfill: none; the secret of a key is not known. One made before has a check from its next rotation on.

alter table api_keys add column secret_check text;
alter table api_keys add column previous_check text;
