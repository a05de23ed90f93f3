-- Who calls what: counted by the gateways, by endpoint, version, actor and hour (UTC).

-- endpoint, team: as they were when it was called; a name may go to another team later. model, version: of the deployment
-- that answered; both empty where a request ended before one was chosen. refused: by the caller's own limits, and not among
-- the requests. actor is `other` where a gateway had too many callers to keep them apart.
create table usage_hour (
  endpoint text COLLATE "C" not null,
  hour bigint not null,
  team text COLLATE "C" not null,
  actor text COLLATE "C" not null,
  model text COLLATE "C" not null,
  version text COLLATE "C" not null,
  requests bigint not null,
  client_errors bigint not null,
  server_errors bigint not null,
  refused bigint not null,
  row_count bigint not null,
  run_ms double precision not null,
  last_at bigint not null,
  primary key (endpoint, hour, team, actor, model, version)
);

create index usage_hour_by_hour on usage_hour (hour);

-- Calls of a day (UTC) that count towards a daily quota, over all gateways.
create table usage_quota (
  day bigint not null,
  endpoint text COLLATE "C" not null,
  actor text COLLATE "C" not null,
  requests bigint not null,
  primary key (day, endpoint, actor)
);

-- The last report that was added of each stream; a gateway begins a stream when it starts. What comes again is not added.
create table usage_stream (
  stream text COLLATE "C" not null primary key,
  sequence bigint not null,
  reported_at bigint not null
);
