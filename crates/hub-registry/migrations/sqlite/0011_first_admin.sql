-- The first admin's token that a hub makes for itself bears a number; of two processes that make the
-- same one only one can add it.
ALTER TABLE tokens ADD COLUMN first_admin INTEGER;

CREATE UNIQUE INDEX tokens_first_admin ON tokens (first_admin);
