-- Endpoints, what is deployed under them, and where it runs.

-- One row. epoch: rises with every change of an endpoint; a writer takes it first, so writers wait for each other.
-- table_base: reserved versions of routing tables; each start of control takes the next block.
create table deployment_clock (
  id bigint not null primary key check (id = 1),
  epoch bigint not null,
  table_base bigint not null
);

insert into deployment_clock (id, epoch, table_base) values (1, 0, 0);

-- touched: the epoch of its last change, also of anything under it.
-- deleted_at: the name is free again; the row stays until its deployments are drained, and for its history.
create table endpoint (
  id text COLLATE "C" not null primary key,
  name text COLLATE "C" not null,
  team text COLLATE "C" not null references team (name),
  description text not null,
  tags text not null,
  limits text not null,
  revision bigint not null,
  touched bigint not null,
  created_at bigint not null,
  created_by text COLLATE "C" not null,
  deleted_at bigint
);

create unique index endpoint_by_name on endpoint (name) where deleted_at is null;

create index endpoint_by_team on endpoint (team, name);

create index endpoint_by_touched on endpoint (touched);

-- served: what the registry said of the pinned version, which never changes.
-- previous: what a rollback of this deployment brings back.
-- serving_since: when it took the traffic of its role; null before and for one that never did.
-- own_reason: why it was given a runner of its own by the platform.
-- operation: the unfinished operation that waits for it.
create table deployment (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  role text not null check (role in ('live', 'canary', 'shadow')),
  share_percent double precision not null check (share_percent >= 0 and share_percent <= 100),
  state text not null check (state in ('starting', 'ready', 'unready', 'failed', 'quarantined', 'draining', 'ended')),
  model text COLLATE "C" not null,
  version bigint not null,
  served text not null,
  settings text not null,
  is_forced bigint not null check (is_forced in (0, 1)),
  own_reason text check (own_reason in ('crash', 'memory', 'time')),
  attempts bigint not null,
  retry_at bigint,
  next_replica bigint not null,
  is_rollback bigint not null check (is_rollback in (0, 1)),
  previous text COLLATE "C" references deployment (id),
  operation text COLLATE "C",
  problem text,
  created_at bigint not null,
  created_by text COLLATE "C" not null,
  ready_at bigint,
  serving_since bigint,
  ended_at bigint
);

create index deployment_by_endpoint on deployment (endpoint, created_at);

create index deployment_present on deployment (endpoint) where ended_at is null;

create index deployment_by_operation on deployment (operation) where operation is not null;

-- Where the replicas of a deployment run; a row goes when its replica is released.
-- ready_at: when it first answered; only such a one is routed. is_leaving: gets no new requests and is released once no
-- gateway uses it.
create table replica (
  id text COLLATE "C" not null primary key,
  deployment text COLLATE "C" not null references deployment (id),
  runner text COLLATE "C" not null,
  runner_kind text not null check (runner_kind in ('pack', 'own')),
  is_leaving bigint not null check (is_leaving in (0, 1)),
  created_at bigint not null,
  ready_at bigint
);

create index replica_by_deployment on replica (deployment);

create table endpoint_event (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  deployment text COLLATE "C",
  at bigint not null,
  level text not null check (level in ('info', 'warn', 'error')),
  what text not null,
  message text not null
);

create index endpoint_event_by_endpoint on endpoint_event (endpoint, id);

-- A runner died while it ran this deployment. suspected: among others; confirmed: one request, alone, killed it again;
-- death: it was the only one in its runner.
create table crash (
  id text COLLATE "C" not null primary key,
  deployment text COLLATE "C" not null references deployment (id),
  at bigint not null,
  kind text not null check (kind in ('suspected', 'confirmed', 'death'))
);

create index crash_by_time on crash (at);

-- Versions that kept crashing: deploying one again needs force, which lifts it.
create table quarantine (
  model text COLLATE "C" not null,
  version bigint not null,
  deployment text COLLATE "C" not null references deployment (id),
  at bigint not null,
  reason text not null,
  primary key (model, version)
);
