DELETE FROM clients WHERE id IN ('system-admin-console', 'system-session-reaper');
ALTER TABLE clients DROP COLUMN is_system;
