DROP INDEX click_by_link;
DROP TABLE click;
