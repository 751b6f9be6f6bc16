create table tag (
    note_id integer not null references note (id),
    name text not null,
    primary key (note_id, name)
);
create index tag_by_name on tag (name);
