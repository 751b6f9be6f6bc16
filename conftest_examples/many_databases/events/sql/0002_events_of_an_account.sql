create index event_by_account on event (account_id);
