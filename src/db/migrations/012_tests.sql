-- Test cases that jobs reported (JUnit XML). They live as long as their jobs.

-- Of each job, the totals of the newest attempt that reported any.
create table job_tests (
  job_id bigint primary key references jobs on delete cascade,
  run_id bigint,
  attempt integer not null,
  total integer not null,
  passed integer not null,
  failed integer not null,
  skipped integer not null,
  duration_ms double precision not null
);
create index job_tests_run on job_tests (run_id) where run_id is not null;

-- Single cases: of each attempt at most 5,000, failed ones first (`nr` from 0).
create table test_results (
  job_id bigint not null references jobs on delete cascade,
  attempt integer not null,
  nr integer not null,
  owner_id bigint not null,
  run_id bigint,
  -- Jobs of one name are one series: where a test runs in several of them, each has a history of its own.
  series bigint not null,
  -- 0 failed, 1 skipped, 2 passed: the order in which they are shown.
  status smallint not null check (status between 0 and 2),
  suite text not null,
  name text not null,
  duration_ms double precision not null,
  message text,
  at timestamptz not null default now(),
  primary key (job_id, attempt, nr)
);
create index test_results_run on test_results (run_id, status, job_id, attempt, nr) where run_id is not null;
create index test_results_recent on test_results (owner_id, at);
