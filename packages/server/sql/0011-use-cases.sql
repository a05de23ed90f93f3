-- Why models exist, and what else an endpoint says of itself.

-- state: 'live' is not stored: it is an accepted one of which an endpoint answers. metric, value, review: JSON.
create table use_case (
  id text COLLATE "C" not null primary key,
  name text COLLATE "C" not null unique,
  team text COLLATE "C" not null references team (name),
  title text not null,
  problem text not null,
  supports text not null,
  baseline text not null,
  metric text,
  value text,
  sponsor text not null,
  alternatives text not null,
  state text COLLATE "C" not null check (state in ('proposed', 'accepted', 'declined', 'retired')),
  risk_tier text COLLATE "C" check (risk_tier in ('minimal', 'limited', 'high')),
  review text,
  reviewed_at bigint,
  reviewed_by text COLLATE "C",
  decided_as text COLLATE "C" check (decided_as in ('accepted', 'declined', 'retired')),
  decided_reason text,
  decided_at bigint,
  decided_by text COLLATE "C",
  decided_entry bigint,
  revision bigint not null,
  proposed_at bigint not null,
  proposed_by text COLLATE "C" not null
);

create index use_case_by_team on use_case (team, name);

-- kind: 'observed' is served by something else. owner: an actor; null in rows of before: who made it.
alter table endpoint add column kind text not null default 'served' check (kind in ('served', 'observed'));

alter table endpoint add column owner text COLLATE "C";

alter table endpoint add column use_case text COLLATE "C" references use_case (id);

-- objective: JSON.
alter table endpoint add column objective text;

alter table endpoint add column runbook text;

update endpoint set owner = created_by;

create index endpoint_by_use_case on endpoint (use_case);
