create table tool (
    id integer primary key,
    name text not null unique
);
insert into tool (name) values ('ladder'), ('drill');
