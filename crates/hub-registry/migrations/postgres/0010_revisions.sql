-- What a version changed, and whether it withdraws another. Nothing is known of older versions.
ALTER TABLE versions ADD COLUMN rows_changed BIGINT;
ALTER TABLE versions ADD COLUMN rows_removed BIGINT;
ALTER TABLE versions ADD COLUMN rows_unchanged BIGINT;
ALTER TABLE versions ADD COLUMN withdraws BIGINT;
ALTER TABLE versions ADD COLUMN restores BIGINT;
ALTER TABLE versions ADD COLUMN reason TEXT COLLATE "C";

CREATE INDEX versions_withdrawing ON versions (dataset, number) WHERE withdraws IS NOT NULL;
