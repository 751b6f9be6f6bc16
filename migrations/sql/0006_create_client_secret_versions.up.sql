CREATE TABLE client_secret_versions (
    id INTEGER NOT NULL,
    client_id VARCHAR(64) NOT NULL,
    version INTEGER NOT NULL,
    secret_hash VARCHAR(255) NOT NULL,
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    superseded_at DATETIME,
    CONSTRAINT pk_client_secret_versions PRIMARY KEY (id),
    CONSTRAINT uq_client_secret_versions_client_id_version UNIQUE (client_id, version),
    CONSTRAINT fk_client_secret_versions_client_id_clients
        FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT ck_client_secret_versions_version_positive CHECK (version >= 1)
);

-- at most one current secret per client
CREATE UNIQUE INDEX ix_client_secret_versions_current
    ON client_secret_versions (client_id) WHERE superseded_at IS NULL;

INSERT INTO client_secret_versions (client_id, version, secret_hash, created_at)
SELECT id, 1, secret_hash, created_at FROM clients ORDER BY id;

ALTER TABLE clients DROP COLUMN secret_hash;
