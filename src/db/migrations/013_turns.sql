-- Whose turn it is in a queue when all have as much running: who was given a start longest ago (decision 20).
create table queue_turns (
  queue_id bigint not null references queues (id) on delete cascade,
  owner_id bigint not null references users (id) on delete cascade,
  -- The token of the last attempt; rises over all servers.
  last_token bigint not null,
  primary key (queue_id, owner_id)
) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);
