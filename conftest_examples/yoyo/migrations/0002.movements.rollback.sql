drop index movement_of_item;
drop table movement;
