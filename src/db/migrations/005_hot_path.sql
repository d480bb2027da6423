-- What a job costs. A claim, an end and a submit are one statement each; these checks were a third of them.

-- Users and queues are never deleted, and a runner only when no attempt names it and under the lock of claims, which alone
-- make attempts; so what a row refers to is there. That it was there when the row was made is certain too: the statement
-- that makes it takes the id from the row itself.
alter table jobs drop constraint jobs_owner_id_fkey, drop constraint jobs_queue_id_fkey;
alter table attempts drop constraint attempts_runner_id_fkey;
