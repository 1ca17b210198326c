-- Queries that run as jobs. A node holds the lease of each that it runs; one whose lease is over may be run
-- again by another.
CREATE TABLE queries (
    id TEXT NOT NULL PRIMARY KEY,
    token TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    attempts INTEGER NOT NULL,
    node TEXT,
    lease_until INTEGER,
    progress TEXT NOT NULL,
    result TEXT,
    problem TEXT,
    expires_at INTEGER
) STRICT;

CREATE INDEX queries_of_token ON queries (token, id);
CREATE INDEX queries_at_work ON queries (state, id) WHERE state IN ('waiting', 'running');
CREATE INDEX queries_that_expire ON queries (expires_at) WHERE expires_at IS NOT NULL;
