-- How many jobs ended in each minute, by owner: filled when counts are folded, so that nothing is added to the end of a job.
create table ended_minutes (
  owner_id bigint not null,
  minute timestamptz not null,
  state text not null,
  jobs bigint not null,
  primary key (minute, owner_id, state)
) with (fillfactor = 50);

insert into ended_minutes
select owner_id, date_trunc('minute', ended_at), state, count(*) from jobs
where ended_at > now() - interval '1 day' group by 1, 2, 3;
