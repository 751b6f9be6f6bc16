ALTER TABLE clients ADD COLUMN is_system BOOLEAN DEFAULT 0 NOT NULL;

INSERT INTO clients (id, name, secret_hash, redirect_uris, is_system, created_at)
VALUES
    (
        'system-admin-console', 'Admin console', '!bootstrap-admin-console',
        '["https://admin.identity.example/callback"]', 1, '2024-04-08 09:00:00.000000'
    ),
    (
        'system-session-reaper', 'Session reaper', '!bootstrap-session-reaper',
        '[]', 1, '2024-04-08 09:00:00.000000'
    );
