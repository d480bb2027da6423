-- Certificates: the authority of this installation, and what it issued. A certificate that is not in here is nobody's,
-- whatever its subject says.

-- The newest one issues; all that have not ended are trusted. The key is sealed with the installation's key.
create table certificate_authorities (
  id bigint generated always as identity primary key,
  certificate_pem text not null,
  key_sealed bytea not null,
  not_after timestamptz not null,
  created_at timestamptz not null default now()
);

create table certificates (
  id bigint generated always as identity primary key,
  authority_id bigint not null references certificate_authorities,
  -- SHA-256 of the certificate (DER).
  fingerprint bytea not null unique,
  serial text not null unique,
  -- Of the person, the runner or the server.
  name text not null,
  role text not null check (role in ('admin', 'operator', 'viewer', 'runner', 'server', 'enrol')),
  -- Whose rights it carries; none for runners, servers and enrolments.
  user_id bigint references users on delete cascade,
  not_before timestamptz not null,
  not_after timestamptz not null,
  issued_by text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  -- An enrolment works once.
  spent_at timestamptz,
  revoked_at timestamptz,
  revoke_reason text,
  check ((user_id is not null) = (role in ('admin', 'operator', 'viewer')))
);
create index certificates_name on certificates (name);
create index certificates_user on certificates (user_id) where user_id is not null;
create index certificates_end on certificates (not_after);

-- Set for a runner that came over the network: its name belongs to the holder of such a certificate.
alter table runners add column certificate_id bigint references certificates on delete set null;
-- Data directory, machine and boot as one word: differs where two processes cannot be one and its successor.
alter table runners add column place text;
-- The last time that a process of another place took over a name whose process was still heard of.
alter table runners add column taken_over_from text;
alter table runners add column taken_over_at timestamptz;
create index runners_certificate on runners (certificate_id) where certificate_id is not null;
