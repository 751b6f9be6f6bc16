ALTER TABLE sessions ADD COLUMN last_seen_at DATETIME;
ALTER TABLE sessions ADD COLUMN ended_at DATETIME;
CREATE INDEX ix_sessions_active_user_id ON sessions (user_id) WHERE ended_at IS NULL;

ALTER TABLE tokens ADD COLUMN session_id VARCHAR(36)
    CONSTRAINT fk_tokens_session_id_sessions REFERENCES sessions (id) ON DELETE CASCADE;
ALTER TABLE tokens ADD COLUMN revoked_at DATETIME;
CREATE INDEX ix_tokens_session_id ON tokens (session_id);
CREATE INDEX ix_tokens_active_expires_at ON tokens (expires_at) WHERE revoked_at IS NULL;
