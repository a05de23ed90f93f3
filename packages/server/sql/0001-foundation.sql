-- The foundation: who asks, what runs, what is stored, which models there are, and the ledger.
--
-- One source for both databases. It is written for PostgreSQL; for SQLite the words are translated when it runs:
-- bigint → INTEGER, double precision → REAL, bytea → BLOB, COLLATE "C" dropped, every table STRICT. What only one of
-- the two understands stands between "-- only <database>" and "-- end only", and is one statement.
--
-- Ids and JSON are text, times are milliseconds since the epoch, booleans are 0 or 1. Foreign keys are immediate.

create table installation (
  id text not null primary key,
  created_at bigint not null
);

create table setting (
  "key" text COLLATE "C" not null primary key,
  value text not null
);

-- Who asks.

create table team (
  name text COLLATE "C" not null primary key,
  description text not null default '',
  created_at bigint not null
);

create table actor (
  id text COLLATE "C" not null primary key,
  kind text not null check (kind in ('person', 'service')),
  name text not null,
  created_at bigint not null
);

-- source: where the role comes from, so that one source can be mapped again without touching another.
create table membership (
  actor text COLLATE "C" not null references actor (id),
  team text COLLATE "C" not null references team (name),
  role text COLLATE "C" not null,
  source text COLLATE "C" not null default 'local',
  created_at bigint not null,
  primary key (actor, team, role, source)
);

-- digest: SHA-256 of the token, hexadecimal; the token itself is nowhere.
create table token (
  id text COLLATE "C" not null primary key,
  digest text COLLATE "C" not null unique,
  actor text COLLATE "C" not null references actor (id),
  kind text not null check (kind in ('personal', 'service', 'endpoint')),
  last4 text not null,
  created_at bigint not null,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint
);

create index token_by_actor on token (actor);

-- Work that takes longer than a request, and requests that must not run twice.

-- owner: the process that runs it; what a dead process ran is interrupted.
create table operation (
  id text COLLATE "C" not null primary key,
  kind text not null,
  subject text not null,
  team text COLLATE "C",
  state text not null check (state in ('running', 'succeeded', 'failed', 'cancelled')),
  progress text not null default '',
  input text not null default '{}',
  result text,
  problem text,
  owner text not null,
  created_by text COLLATE "C" not null,
  created_at bigint not null,
  finished_at bigint
);

create index operation_by_state on operation (state, created_at);

-- status and body are null while the first request runs.
create table idempotency (
  "key" text COLLATE "C" not null,
  actor text COLLATE "C" not null,
  route text COLLATE "C" not null,
  body_digest text not null,
  status bigint,
  body text,
  created_at bigint not null,
  primary key ("key", actor, route)
);

create index idempotency_by_age on idempotency (created_at);

-- Stored content and what is on its way.

-- arriving: its file is being moved into place. deleting: the sweeper removes its file; nobody may refer to it any more.
create table object (
  digest text COLLATE "C" not null primary key,
  size bigint not null check (size >= 0),
  state text not null check (state in ('arriving', 'stored', 'deleting')),
  touched_at bigint not null
);

create index object_by_age on object (touched_at);

-- storing: every part is here and digest is known; the file is moved into place.
create table upload (
  id text COLLATE "C" not null primary key,
  owner text COLLATE "C" not null,
  size bigint not null check (size >= 0),
  sha256 text,
  part_bytes bigint not null check (part_bytes > 0),
  state text not null check (state in ('open', 'storing', 'completed')),
  digest text,
  created_at bigint not null,
  expires_at bigint not null
);

create index upload_by_expiry on upload (expires_at);

create table upload_part (
  upload text COLLATE "C" not null references upload (id) on delete cascade,
  number bigint not null check (number >= 1),
  size bigint not null check (size >= 0),
  sha256 text not null,
  primary key (upload, number)
);

-- Models.

-- folded_name: the name without regard to case and to Unicode's ways of writing it, folded by the application.
-- last_number: the highest number given to a version; numbers are never used again.
create table model (
  id text COLLATE "C" not null primary key,
  name text COLLATE "C" not null unique,
  folded_name text COLLATE "C" not null unique,
  team text COLLATE "C" not null references team (name),
  description text not null,
  tags text not null,
  last_number bigint not null default 0,
  created_at bigint not null,
  created_by text COLLATE "C" not null
);

create index model_by_team on model (team, name);

create table model_version (
  id text COLLATE "C" not null primary key,
  model text COLLATE "C" not null references model (id),
  number bigint not null check (number >= 1),
  runtime text not null,
  digest text COLLATE "C" not null references object (digest),
  size bigint not null,
  signature text not null,
  facts text not null,
  sample_digest text COLLATE "C" references object (digest),
  description text not null,
  tags text not null,
  created_at bigint not null,
  created_by text COLLATE "C" not null,
  unique (model, number)
);

create index model_version_by_digest on model_version (digest);

create index model_version_by_sample on model_version (sample_digest);

create table model_alias (
  model text COLLATE "C" not null,
  alias text COLLATE "C" not null,
  number bigint not null,
  set_at bigint not null,
  set_by text COLLATE "C" not null,
  primary key (model, alias),
  foreign key (model, number) references model_version (model, number)
);

-- What a version is never changes. Its description and tags are notes about it.

-- only sqlite
create trigger model_version_is_immutable
before update of id, model, number, runtime, digest, size, signature, facts, sample_digest, created_at, created_by
on model_version
begin
  select raise(abort, 'a version never changes');
end;
-- end only

-- only postgresql
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '%', TG_ARGV[0] using errcode = 'restrict_violation';
end;
$$;
-- end only

-- only postgresql
create trigger model_version_is_immutable
before update of id, model, number, runtime, digest, size, signature, facts, sample_digest, created_at, created_by
on model_version
for each row execute function refuse_change('a version never changes');
-- end only

-- The ledger. body is kept as it was written and hashed; the columns beside it are copies to search by.

create table ledger_entry (
  seq bigint not null primary key check (seq >= 0),
  at bigint not null,
  actor_id text COLLATE "C" not null,
  action text COLLATE "C" not null,
  subject_kind text COLLATE "C" not null,
  subject_id text COLLATE "C" not null,
  team_id text COLLATE "C",
  body text not null,
  leaf bytea not null
);

create index ledger_entry_by_subject on ledger_entry (subject_kind, subject_id, seq);

create index ledger_entry_by_actor on ledger_entry (actor_id, seq);

-- only sqlite
create trigger ledger_entry_keeps_updates_out before update on ledger_entry
begin
  select raise(abort, 'the ledger only grows');
end;
-- end only

-- only sqlite
create trigger ledger_entry_keeps_deletes_out before delete on ledger_entry
begin
  select raise(abort, 'the ledger only grows');
end;
-- end only

-- only postgresql
create trigger ledger_entry_only_grows before update or delete or truncate on ledger_entry
for each statement execute function refuse_change('the ledger only grows');
-- end only
