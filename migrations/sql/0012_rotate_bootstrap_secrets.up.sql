DROP TRIGGER trg_client_secret_versions_superseded;

ALTER TABLE client_secret_versions ADD COLUMN superseded_reason VARCHAR(32);
ALTER TABLE key_rotation_events RENAME COLUMN version TO secret_version;
ALTER TABLE key_rotation_events ADD COLUMN reason VARCHAR(32) DEFAULT 'unspecified' NOT NULL
    CONSTRAINT ck_key_rotation_events_reason
        CHECK (reason IN ('unspecified', 'scheduled', 'requested', 'compromised'));

CREATE TRIGGER trg_client_secret_versions_superseded
AFTER UPDATE OF superseded_at ON client_secret_versions
FOR EACH ROW
WHEN OLD.superseded_at IS NULL AND NEW.superseded_at IS NOT NULL
BEGIN
    INSERT INTO key_rotation_events (client_id, secret_version, reason, occurred_at)
    VALUES (NEW.client_id, NEW.version, COALESCE(NEW.superseded_reason, 'unspecified'), NEW.superseded_at);
END;

-- Installations where a system client still has its bootstrap secret get version 2 of it; the trigger records that.
UPDATE client_secret_versions
SET superseded_at = '2024-10-08 09:00:00.000000', superseded_reason = 'scheduled'
WHERE secret_hash IN ('!bootstrap-admin-console', '!bootstrap-session-reaper')
    AND version = 1 AND superseded_at IS NULL;

INSERT INTO client_secret_versions (client_id, version, secret_hash, created_at)
SELECT client_id, 2, secret_hash || '-2', superseded_at
FROM client_secret_versions
WHERE secret_hash IN ('!bootstrap-admin-console', '!bootstrap-session-reaper')
    AND version = 1 AND superseded_at = '2024-10-08 09:00:00.000000'
ORDER BY id;
