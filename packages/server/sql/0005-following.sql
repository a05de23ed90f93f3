-- Endpoints that follow an alias of an MLflow server.

-- version: the one that the alias named when it was last acted upon; null before the first time.
-- failed_version, retry_at: the one whose copy or deployment failed, and when it is tried again.
create table endpoint_follow (
  endpoint text COLLATE "C" not null primary key,
  team text COLLATE "C" not null,
  server text not null,
  source_model text not null,
  alias text not null,
  model text not null,
  version text,
  failed_version text,
  retry_at bigint,
  problem text,
  checked_at bigint,
  set_at bigint not null,
  set_by text COLLATE "C" not null references actor (id)
);
