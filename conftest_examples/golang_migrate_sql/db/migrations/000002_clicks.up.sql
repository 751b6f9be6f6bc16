CREATE TABLE click (
    link_id INTEGER NOT NULL REFERENCES link (id) ON DELETE CASCADE,
    at TEXT NOT NULL
);
CREATE INDEX click_by_link ON click (link_id, at);
