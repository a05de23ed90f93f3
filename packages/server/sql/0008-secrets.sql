-- Secrets: values that deployments refer to, each encrypted with a key of its own.

-- last_number: the newest version; only its value is kept.
create table secret (
  id text COLLATE "C" not null primary key,
  team text COLLATE "C" not null references team (name),
  name text COLLATE "C" not null,
  last_number bigint not null,
  created_at bigint not null,
  created_by text COLLATE "C" not null
);

create unique index secret_by_name on secret (team, name);

-- wrapped_key: the data key, encrypted with the key-encryption key kek_id, as nonce, ciphertext and tag; that key is in no
-- database. All five are null once a newer version has replaced the value.
create table secret_version (
  secret text COLLATE "C" not null references secret (id) on delete cascade,
  number bigint not null check (number >= 1),
  kind text not null check (kind in ('text', 'binary')),
  kek_id text COLLATE "C",
  wrapped_key bytea,
  nonce bytea,
  ciphertext bytea,
  tag bytea,
  set_at bigint not null,
  set_by text COLLATE "C" not null,
  primary key (secret, number)
);

create index secret_version_by_kek on secret_version (kek_id) where kek_id is not null;

-- One row: something known, sealed like a secret, by which a start finds out that it has the right key.
create table secret_canary (
  id bigint not null primary key check (id = 1),
  kek_id text COLLATE "C" not null,
  wrapped_key bytea not null,
  nonce bytea not null,
  ciphertext bytea not null,
  tag bytea not null
);

-- The first time that a version was handed to a deployment or a score, which is an audit entry.
create table secret_use (
  secret text COLLATE "C" not null references secret (id) on delete cascade,
  number bigint not null,
  user_kind text not null check (user_kind in ('deployment', 'score')),
  user_id text COLLATE "C" not null,
  at bigint not null,
  primary key (secret, number, user_kind, user_id)
);
