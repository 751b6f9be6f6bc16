DROP TRIGGER link_slug_is_not_reserved;
DROP TABLE reserved_slug;
