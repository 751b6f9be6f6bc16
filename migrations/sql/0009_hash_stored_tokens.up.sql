-- SQLite has no hash function, so the tokens that were stored in clear are revoked.
DROP TABLE tokens;

CREATE TABLE tokens (
    id INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    client_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(36),
    scope VARCHAR(500) DEFAULT 'openid' NOT NULL,
    issued_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    token_hash VARCHAR(64) NOT NULL,
    family_id VARCHAR(36),
    parent_id INTEGER,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_tokens_client_id_clients FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT fk_tokens_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_tokens_parent_id_tokens FOREIGN KEY (parent_id) REFERENCES tokens (id) ON DELETE CASCADE,
    CONSTRAINT ck_tokens_kind CHECK (kind IN ('access', 'refresh')),
    CONSTRAINT ck_tokens_expires_after_issued CHECK (expires_at > issued_at)
);
CREATE INDEX ix_tokens_client_id ON tokens (client_id);
CREATE INDEX ix_tokens_user_id ON tokens (user_id);
CREATE INDEX ix_tokens_family_id ON tokens (family_id);
