-- Instants are whole microseconds since 1970 in UTC; documents are JSON as text.
-- Ids are compared byte by byte, so that pages come in the same order whatever the locale of the database.
CREATE TABLE agencies (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    contact TEXT COLLATE "C",
    search TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE datasets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    agency TEXT COLLATE "C" NOT NULL REFERENCES agencies (id),
    visibility TEXT COLLATE "C" NOT NULL,
    metadata TEXT COLLATE "C" NOT NULL,
    contract TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX datasets_of_agency ON datasets (agency, id);

CREATE TABLE tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sha256 TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    agency TEXT COLLATE "C" REFERENCES agencies (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE uploads (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    dataset TEXT COLLATE "C" NOT NULL REFERENCES datasets (id),
    mode TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    file_name TEXT COLLATE "C",
    format TEXT COLLATE "C",
    bytes BIGINT NOT NULL,
    sha256 TEXT COLLATE "C",
    uploaded_by TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    finished_at BIGINT,
    version BIGINT,
    report TEXT COLLATE "C",
    report_errors TEXT COLLATE "C",
    problem TEXT COLLATE "C"
);

CREATE INDEX uploads_of_dataset ON uploads (dataset, id);
CREATE INDEX uploads_unfinished ON uploads (id) WHERE state IN ('receiving', 'checking');

CREATE TABLE reservations (
    scope TEXT COLLATE "C" NOT NULL,
    dataset TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    body_sha256 TEXT COLLATE "C" NOT NULL,
    upload TEXT COLLATE "C" NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    reserved_at BIGINT NOT NULL,
    PRIMARY KEY (scope, dataset, key)
);

CREATE INDEX reservations_of_upload ON reservations (upload);

CREATE TABLE versions (
    dataset TEXT COLLATE "C" NOT NULL REFERENCES datasets (id),
    number BIGINT NOT NULL,
    log_version BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    committed_by TEXT COLLATE "C" NOT NULL,
    upload TEXT COLLATE "C" NOT NULL,
    mode TEXT COLLATE "C" NOT NULL,
    rows_added BIGINT NOT NULL,
    rows_total BIGINT NOT NULL,
    bytes_added BIGINT NOT NULL,
    bytes_total BIGINT NOT NULL,
    PRIMARY KEY (dataset, number)
);
