-- What a version changed, and whether it withdraws another. Nothing is known of older versions.
ALTER TABLE versions ADD COLUMN rows_changed INTEGER;
ALTER TABLE versions ADD COLUMN rows_removed INTEGER;
ALTER TABLE versions ADD COLUMN rows_unchanged INTEGER;
ALTER TABLE versions ADD COLUMN withdraws INTEGER;
ALTER TABLE versions ADD COLUMN restores INTEGER;
ALTER TABLE versions ADD COLUMN reason TEXT;

CREATE INDEX versions_withdrawing ON versions (dataset, number) WHERE withdraws IS NOT NULL;
