-- Why: what an administrator's session of nobody in the directory has allowed a client was good for eight hours, whatever became of the session. A grant of such a
-- session says where shared state holds it, so that it is good as long as the session is. It is a hash: nobody can act by it.
-- Lock cost: none to speak of; a column without a default is added.
-- Older nodes: go on; what they write has none, and holds for its eight hours as before.
-- Backfill: none; grants of before end within eight hours.

alter table oauth_grants add column session_key text;
