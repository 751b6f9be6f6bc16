CREATE TABLE reserved_slug (slug TEXT PRIMARY KEY);
INSERT INTO reserved_slug (slug) VALUES ('admin'), ('api'), ('login');

CREATE TRIGGER link_slug_is_not_reserved BEFORE INSERT ON link
WHEN EXISTS (SELECT 1 FROM reserved_slug WHERE slug = NEW.slug)
BEGIN
    SELECT RAISE(ABORT, 'this slug is reserved');
END;
