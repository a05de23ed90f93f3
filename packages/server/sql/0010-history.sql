-- What was live when, at which share, and by whose decision.

-- decided_*: who decided last about it, by which action and which entry of the ledger (deploy, a change of its share,
-- promote, rollback); the reconciler, which moves traffic later, finds the decision here. Entries of before are not known.
alter table deployment add column decided_by text COLLATE "C";

alter table deployment add column decided_action text COLLATE "C";

alter table deployment add column decided_entry bigint;

update deployment set decided_by = created_by;

-- changed_*: the last decision about an endpoint, of whatever kind.
alter table endpoint add column changed_at bigint;

alter table endpoint add column changed_by text COLLATE "C";

alter table endpoint add column changed_action text COLLATE "C";

alter table endpoint add column changed_entry bigint;

update endpoint
set
  changed_at = coalesce(
    (select max(deployment.created_at) from deployment where deployment.endpoint = endpoint.id),
    endpoint.created_at
  ),
  changed_by = coalesce(
    (
      select deployment.created_by
      from deployment
      where deployment.endpoint = endpoint.id
      order by deployment.created_at desc, deployment.id desc
      limit 1
    ),
    endpoint.created_by
  );

-- One row for each time in which a deployment had traffic in one role at one share; written in the transaction of the
-- change that causes it, so the open rows of an endpoint are what its routing table says. Name, team, model and version
-- are copies: a row says what it says for ever.
-- decided_*: why it began: the action and the entry of the ledger by which somebody decided it. Null where that was
-- before there was a history.
-- until_at: null while it lasts. ended_*: the decision that ended it. why: what ended it where nobody decided:
-- 'quarantined', or 'no-replica' where none of its replicas was left to route to.
create table endpoint_history (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  name text COLLATE "C" not null,
  team text COLLATE "C" not null,
  deployment text COLLATE "C" not null references deployment (id),
  model text COLLATE "C" not null,
  version bigint not null,
  role text COLLATE "C" not null check (role in ('live', 'canary', 'shadow')),
  share_percent double precision not null check (share_percent >= 0 and share_percent <= 100),
  from_at bigint not null,
  until_at bigint check (until_at >= from_at),
  decided_by text COLLATE "C",
  decided_action text COLLATE "C",
  decided_entry bigint,
  ended_by text COLLATE "C",
  ended_action text COLLATE "C",
  ended_entry bigint,
  why text
);

create unique index endpoint_history_open on endpoint_history (endpoint, role) where until_at is null;

create index endpoint_history_by_endpoint on endpoint_history (endpoint, from_at);

create index endpoint_history_by_time on endpoint_history (from_at, id);

create index endpoint_history_by_end on endpoint_history (until_at);

create index endpoint_history_by_name on endpoint_history (name, from_at);

create index endpoint_history_by_model on endpoint_history (model, from_at);

-- What serves now, at the share of now: a live one since the canary beside it has its share.
insert into endpoint_history (
  id, endpoint, name, team, deployment, model, version, role, share_percent, from_at, decided_by
)
select
  deployment.id,
  endpoint.id,
  endpoint.name,
  endpoint.team,
  deployment.id,
  deployment.model,
  deployment.version,
  deployment.role,
  case when deployment.role = 'live' then 100 - coalesce(canary.share_percent, 0) else deployment.share_percent end,
  case when canary.serving_since > deployment.serving_since then canary.serving_since else deployment.serving_since end,
  case when canary.serving_since > deployment.serving_since then canary.decided_by else deployment.decided_by end
from deployment
join endpoint on endpoint.id = deployment.endpoint
left join deployment canary
  on canary.endpoint = deployment.endpoint
  and deployment.role = 'live'
  and canary.role = 'canary'
  and canary.state in ('ready', 'unready')
  and canary.serving_since is not null
  and exists (select 1 from replica where replica.deployment = canary.id and replica.ready_at is not null)
where endpoint.deleted_at is null
  and deployment.state in ('ready', 'unready')
  and deployment.serving_since is not null
  and (
    deployment.role = 'live'
    or (
      exists (select 1 from replica where replica.deployment = deployment.id and replica.ready_at is not null)
      and exists (
        select 1
        from deployment live
        where live.endpoint = endpoint.id
          and live.role = 'live'
          and live.state in ('ready', 'unready', 'quarantined')
          and live.serving_since is not null
      )
    )
  );

-- Before its canary, a live one had everything, as far as is known.
insert into endpoint_history (
  id, endpoint, name, team, deployment, model, version, role, share_percent, from_at, until_at, decided_by, ended_by
)
select
  deployment.id || '.0',
  held.endpoint,
  held.name,
  held.team,
  held.deployment,
  held.model,
  held.version,
  'live',
  100,
  deployment.serving_since,
  held.from_at,
  deployment.decided_by,
  held.decided_by
from endpoint_history held
join deployment on deployment.id = held.deployment
where held.role = 'live' and held.from_at > deployment.serving_since;
