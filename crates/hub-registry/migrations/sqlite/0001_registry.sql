-- Instants are whole microseconds since 1970 in UTC; documents are JSON as text.
CREATE TABLE agencies (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    contact TEXT,
    search TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE datasets (
    id TEXT NOT NULL PRIMARY KEY,
    agency TEXT NOT NULL REFERENCES agencies (id),
    visibility TEXT NOT NULL,
    metadata TEXT NOT NULL,
    contract TEXT NOT NULL,
    search TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX datasets_of_agency ON datasets (agency, id);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    agency TEXT REFERENCES agencies (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    dataset TEXT NOT NULL REFERENCES datasets (id),
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    file_name TEXT,
    format TEXT,
    bytes INTEGER NOT NULL,
    sha256 TEXT,
    uploaded_by TEXT NOT NULL,
    idempotency_key TEXT,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    finished_at INTEGER,
    version INTEGER,
    report TEXT,
    report_errors TEXT,
    problem TEXT
) STRICT;

CREATE INDEX uploads_of_dataset ON uploads (dataset, id);
CREATE INDEX uploads_unfinished ON uploads (id) WHERE state IN ('receiving', 'checking');

CREATE TABLE reservations (
    scope TEXT NOT NULL,
    dataset TEXT NOT NULL,
    key TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    reserved_at INTEGER NOT NULL,
    PRIMARY KEY (scope, dataset, key)
) STRICT;

CREATE INDEX reservations_of_upload ON reservations (upload);

CREATE TABLE versions (
    dataset TEXT NOT NULL REFERENCES datasets (id),
    number INTEGER NOT NULL,
    log_version INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    committed_by TEXT NOT NULL,
    upload TEXT NOT NULL,
    mode TEXT NOT NULL,
    rows_added INTEGER NOT NULL,
    rows_total INTEGER NOT NULL,
    bytes_added INTEGER NOT NULL,
    bytes_total INTEGER NOT NULL,
    PRIMARY KEY (dataset, number)
) STRICT;
