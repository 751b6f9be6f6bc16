CREATE TABLE authorization_requests (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(36),
    redirect_uri VARCHAR(2000) NOT NULL,
    scope VARCHAR(500) DEFAULT 'openid' NOT NULL,
    state TEXT,
    status VARCHAR(16) DEFAULT 'pending' NOT NULL,
    code_hash VARCHAR(64),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
    expires_at DATETIME NOT NULL,
    CONSTRAINT pk_authorization_requests PRIMARY KEY (id),
    CONSTRAINT fk_authorization_requests_client_id_clients
        FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT fk_authorization_requests_user_id_users
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT ck_authorization_requests_status CHECK (status IN ('pending', 'approved', 'denied', 'consumed'))
);
CREATE INDEX ix_authorization_requests_client_id ON authorization_requests (client_id);

-- a request has no code before it is approved
CREATE UNIQUE INDEX ix_authorization_requests_code_hash
    ON authorization_requests (code_hash) WHERE code_hash IS NOT NULL;
