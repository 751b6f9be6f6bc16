create table loan (
    tool_id integer primary key references tool (id),
    borrower text not null
);
