-- Who may do what: roles of the installation, limits of tokens, access to endpoints.

-- folded_name: the name without regard to case, folded by the application. team: that a service account belongs to.
-- disabled_at: since when the tokens of the actor do nothing.
alter table actor add column folded_name text COLLATE "C";

alter table actor add column team text COLLATE "C" references team (name);

alter table actor add column disabled_at bigint;

update actor set folded_name = lower(name);

create unique index actor_by_name on actor (folded_name);

-- actions, resources: what the token is limited to, as JSON lists; null where it is not.
alter table token add column note text not null default '';

alter table token add column actions text;

alter table token add column resources text;

alter table token add column created_by text COLLATE "C";

create index membership_by_team on membership (team, actor);

-- Roles for the whole installation.
create table platform_role (
  actor text COLLATE "C" not null references actor (id),
  role text COLLATE "C" not null check (role in ('auditor', 'admin')),
  source text COLLATE "C" not null default 'local',
  created_at bigint not null,
  primary key (actor, role, source)
);

-- Until now the first start made one person who might do everything: they still may.
insert into platform_role (actor, role, source, created_at)
select distinct membership.actor, other.role, membership.source, membership.created_at
from membership
cross join (select 'admin' as role union all select 'auditor') other
where membership.role = 'admin';

insert into membership (actor, team, role, source, created_at)
select held.actor, held.team, other.role, held.source, held.created_at
from membership held
cross join (
  select 'viewer' as role
  union all select 'data-scientist'
  union all select 'operator'
  union all select 'approver'
  union all select 'data-owner'
  union all select 'auditor'
) other
where held.role = 'admin';

-- Who may call an endpoint besides the roles of its team. The endpoint is named, not referred to: the row goes with it.
create table endpoint_access (
  endpoint text COLLATE "C" not null,
  subject_kind text COLLATE "C" not null check (subject_kind in ('actor', 'team')),
  subject text COLLATE "C" not null,
  rate_per_second double precision,
  requests_per_day bigint,
  expires_at bigint,
  created_at bigint not null,
  created_by text COLLATE "C" not null,
  primary key (endpoint, subject_kind, subject)
);

create index endpoint_access_by_subject on endpoint_access (subject_kind, subject);

-- One row. epoch rises with every change of what anybody may do, in the transaction of the change.
create table authz_clock (
  id bigint not null primary key check (id = 1),
  epoch bigint not null
);

insert into authz_clock (id, epoch) values (1, 1);
