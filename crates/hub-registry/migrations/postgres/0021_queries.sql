-- Queries that run as jobs. A node holds the lease of each that it runs; one whose lease is over may be run
-- again by another.
CREATE TABLE queries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    attempts BIGINT NOT NULL,
    node TEXT COLLATE "C",
    lease_until BIGINT,
    progress TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C",
    problem TEXT COLLATE "C",
    expires_at BIGINT
);

CREATE INDEX queries_of_token ON queries (token, id);
CREATE INDEX queries_at_work ON queries (state, id) WHERE state IN ('waiting', 'running');
CREATE INDEX queries_that_expire ON queries (expires_at) WHERE expires_at IS NOT NULL;
