CREATE TABLE sessions (
    id VARCHAR(36) NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    ip_address VARCHAR(45),
    user_agent VARCHAR(512),
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ck_sessions_expires_after_created CHECK (expires_at > created_at)
);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);

CREATE TABLE tokens (
    id INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    value VARCHAR(128) NOT NULL,
    client_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(36),
    scope VARCHAR(500) DEFAULT 'openid' NOT NULL,
    issued_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_value UNIQUE (value),
    CONSTRAINT fk_tokens_client_id_clients FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT fk_tokens_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ck_tokens_kind CHECK (kind IN ('access', 'refresh'))
);
CREATE INDEX ix_tokens_client_id ON tokens (client_id);
CREATE INDEX ix_tokens_user_id ON tokens (user_id);
