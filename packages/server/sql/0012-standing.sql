-- Which endpoints are in production, by which evidence, and who answered for it.

-- One row from the first submission on. first_at: when it first was in production. reasons: JSON, sentences. ends_told:
-- the end of a verdict that people were told of before it came.
create table standing (
  endpoint text COLLATE "C" not null primary key references endpoint (id),
  state text COLLATE "C" not null check (state in ('waiting', 'in production', 'lapsed')),
  since bigint not null,
  first_at bigint,
  reasons text not null,
  submission text COLLATE "C",
  ends_told bigint,
  model text COLLATE "C",
  version bigint
);

create index standing_by_state on standing (state);

create table standing_event (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  at bigint not null,
  what text COLLATE "C" not null
    check (what in ('submitted', 'void', 'approved', 'rejected', 'granted', 'lapsed', 'restored')),
  reasons text not null,
  model text COLLATE "C",
  version bigint,
  actor text COLLATE "C",
  entry bigint not null
);

create index standing_event_by_endpoint on standing_event (endpoint, id);

-- served_digest: of version and settings; subject_digest: of that, the use case, the objective and the rubric.
-- authors: JSON, ids of who may not approve it.
create table submission (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  model text COLLATE "C" not null,
  version bigint not null,
  level text COLLATE "C" not null,
  risk_tier text COLLATE "C",
  state text COLLATE "C" not null check (state in ('waiting', 'approved', 'rejected', 'void')),
  why text,
  note text not null,
  served_digest text COLLATE "C" not null,
  subject_digest text COLLATE "C" not null,
  evidence_digest text COLLATE "C" not null,
  approvals_needed bigint not null,
  authors text not null,
  submitted_at bigint not null,
  submitted_by text COLLATE "C" not null,
  ended_at bigint
);

create index submission_by_endpoint on submission (endpoint, id);

create index submission_by_state on submission (state, id);

create table approval (
  submission text COLLATE "C" not null references submission (id),
  actor text COLLATE "C" not null,
  at bigint not null,
  reason text not null,
  entry bigint not null,
  primary key (submission, actor)
);

-- What drills found and people signed for. figures: JSON.
create table evidence (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  check_id text COLLATE "C" not null,
  model text COLLATE "C",
  version bigint,
  source text COLLATE "C" not null check (source in ('drill', 'person')),
  passed bigint not null,
  summary text not null,
  figures text not null,
  at bigint not null,
  actor text COLLATE "C" not null,
  entry bigint not null
);

create index evidence_by_endpoint on evidence (endpoint, check_id, at);

create table waiver (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  check_id text COLLATE "C" not null,
  reason text not null,
  until_at bigint not null,
  state text COLLATE "C" not null check (state in ('requested', 'approved', 'rejected', 'revoked')),
  requested_at bigint not null,
  requested_by text COLLATE "C" not null,
  decided_at bigint,
  decided_by text COLLATE "C",
  decided_reason text
);

create index waiver_by_endpoint on waiver (endpoint, id);

-- Drills that are done by themselves, in the name of set_by. settings: JSON.
create table drill_schedule (
  endpoint text COLLATE "C" not null references endpoint (id),
  kind text COLLATE "C" not null check (kind in ('load', 'failover', 'rollback')),
  every_days bigint not null,
  settings text not null,
  next_at bigint not null,
  last_at bigint,
  last_outcome text,
  set_at bigint not null,
  set_by text COLLATE "C" not null,
  primary key (endpoint, kind)
);

create index drill_schedule_by_time on drill_schedule (next_at);

-- What was called before there were standings goes on being called by those whom its access rules let in.
alter table endpoint add column called_before bigint not null default 0;

update endpoint set called_before = 1 where deleted_at is null;
