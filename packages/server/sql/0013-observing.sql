-- Endpoints that something else serves, and what people are told.

-- probe_*: the last look; probe_failures: those that failed since the last that was ok, null before the first of those.
-- observation: JSON, the newest that was pushed.
create table observed_endpoint (
  endpoint text COLLATE "C" not null primary key references endpoint (id),
  platform text not null,
  location text not null,
  model text,
  version text,
  source text COLLATE "C" not null check (source in ('hand', 'csv', 'mlflow', 'manifest')),
  probe_url text,
  probe_ok bigint,
  probe_at bigint,
  probe_status bigint,
  probe_ms double precision,
  probe_problem text,
  probe_failures bigint,
  observation text
);

create table notification (
  id text COLLATE "C" not null primary key,
  event text COLLATE "C" not null,
  team text COLLATE "C",
  endpoint text COLLATE "C",
  title text not null,
  text text not null,
  at bigint not null
);

create index notification_by_team on notification (team, id);

create table notification_delivery (
  notification text COLLATE "C" not null references notification (id) on delete cascade,
  channel text COLLATE "C" not null,
  state text COLLATE "C" not null check (state in ('waiting', 'delivered', 'given up')),
  attempts bigint not null,
  next_at bigint not null,
  problem text,
  delivered_at bigint,
  primary key (notification, channel)
);

create index notification_delivery_by_time on notification_delivery (state, next_at);
