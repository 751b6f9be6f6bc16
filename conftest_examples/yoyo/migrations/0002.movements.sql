-- depends: 0001.items

create table movement (
    id integer primary key,
    item text not null references item (name),
    amount integer not null check (amount <> 0)
);
create index movement_of_item on movement (item);
