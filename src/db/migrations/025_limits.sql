-- Memory that grows after an attempt was killed for it (retry.memory_factor).

-- Bytes that its next attempt has in the place of limits.memory_bytes; null: what the spec says.
alter table jobs add column memory_bytes bigint;
-- What this attempt had in its place; null: what the spec says.
alter table attempts add column memory_bytes bigint;
