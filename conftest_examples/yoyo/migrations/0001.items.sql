create table item (
    name text primary key
);
insert into item values ('flour'), ('milk');
