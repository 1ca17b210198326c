-- Permalinks, with the dataset versions that each names, so that those are never collected. The versions
-- are recorded before their permalink: those of one that never came to be keep a version and harm nothing.
CREATE TABLE permalinks (
    id TEXT NOT NULL PRIMARY KEY,
    token TEXT,
    created_at INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;

CREATE INDEX permalinks_of_token ON permalinks (token, created_at);

CREATE TABLE permalink_versions (
    permalink TEXT NOT NULL,
    dataset TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (permalink, dataset)
) STRICT;

CREATE INDEX permalink_versions_of_dataset ON permalink_versions (dataset, number);
