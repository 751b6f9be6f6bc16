CREATE TABLE key_rotation_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    client_id VARCHAR(64) NOT NULL,
    version INTEGER NOT NULL,
    occurred_at DATETIME NOT NULL,
    CONSTRAINT fk_key_rotation_events_client_id_clients
        FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE
);
CREATE INDEX ix_key_rotation_events_client_id_occurred_at ON key_rotation_events (client_id, occurred_at);

CREATE TRIGGER trg_client_secret_versions_superseded
AFTER UPDATE OF superseded_at ON client_secret_versions
FOR EACH ROW
WHEN OLD.superseded_at IS NULL AND NEW.superseded_at IS NOT NULL
BEGIN
    INSERT INTO key_rotation_events (client_id, version, occurred_at)
    VALUES (NEW.client_id, NEW.version, NEW.superseded_at);
END;
