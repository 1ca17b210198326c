-- Permalinks, with the dataset versions that each names, so that those are never collected. The versions
-- are recorded before their permalink: those of one that never came to be keep a version and harm nothing.
CREATE TABLE permalinks (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    record TEXT COLLATE "C" NOT NULL
);

CREATE INDEX permalinks_of_token ON permalinks (token, created_at);

CREATE TABLE permalink_versions (
    permalink TEXT COLLATE "C" NOT NULL,
    dataset TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (permalink, dataset)
);

CREATE INDEX permalink_versions_of_dataset ON permalink_versions (dataset, number);
