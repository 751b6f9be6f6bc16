ALTER TABLE authorization_requests ADD COLUMN nonce VARCHAR(255);
ALTER TABLE authorization_requests ADD COLUMN code_challenge VARCHAR(128);
ALTER TABLE authorization_requests ADD COLUMN code_challenge_method VARCHAR(8)
    CONSTRAINT ck_authorization_requests_code_challenge_method CHECK (code_challenge_method IN ('S256', 'plain'))
    CONSTRAINT ck_authorization_requests_code_challenge_complete
        CHECK ((code_challenge IS NULL) = (code_challenge_method IS NULL));

ALTER TABLE clients ADD COLUMN client_type VARCHAR(16) DEFAULT 'confidential' NOT NULL
    CONSTRAINT ck_clients_client_type CHECK (client_type IN ('confidential', 'public'));
ALTER TABLE clients ADD COLUMN token_endpoint_auth_method VARCHAR(32) DEFAULT 'client_secret_basic' NOT NULL
    CONSTRAINT ck_clients_public_auth_method
        CHECK (client_type <> 'public' OR token_endpoint_auth_method = 'none');
