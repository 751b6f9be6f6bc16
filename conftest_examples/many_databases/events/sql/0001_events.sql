create table event (
    number integer primary key,
    account_id integer not null,
    kind text not null check (kind in ('joined', 'left'))
);
