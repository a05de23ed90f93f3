-- Scores: tables that are answered row by row in the background.

-- endpoint_name: as it was called then. served, settings: what was deployed when it was asked for, which never changes.
-- wish: what the caller asked for, as JSON. input_digest: the table; null once it is not needed any more.
-- result_digest, errors_digest: content of the object store; null while it runs and once it is removed.
create table score (
  id text COLLATE "C" not null primary key,
  endpoint text COLLATE "C" not null references endpoint (id),
  endpoint_name text COLLATE "C" not null,
  team text COLLATE "C" not null references team (name),
  operation text COLLATE "C" not null references operation (id),
  state text not null check (state in ('running', 'succeeded', 'failed', 'cancelled')),
  model text COLLATE "C" not null,
  version bigint not null,
  served text not null,
  settings text not null,
  wish text not null,
  input_digest text COLLATE "C",
  input_bytes bigint not null,
  rows_done bigint not null,
  rows_total bigint,
  bad_rows bigint not null,
  result_digest text COLLATE "C",
  result_bytes bigint,
  errors_digest text COLLATE "C",
  errors_bytes bigint,
  problem text,
  created_at bigint not null,
  created_by text COLLATE "C" not null,
  token text COLLATE "C",
  actor_kind text not null,
  request text not null,
  finished_at bigint,
  expires_at bigint
);

create index score_by_endpoint on score (endpoint, id);

create index score_by_operation on score (operation);

create index score_running on score (id) where state = 'running';

create index score_by_expiry on score (expires_at) where expires_at is not null;

-- What of a running score is on disk, in order and without gaps: the next row follows to_row. The sizes are those that
-- the two files have with this part; what is behind them was not committed. place: where the reader goes on in the input.
-- state: what the writer of the result needs to go on.
create table score_part (
  score text COLLATE "C" not null references score (id),
  number bigint not null,
  to_row bigint not null,
  bad_rows bigint not null,
  place bigint not null,
  result_bytes bigint not null,
  errors_bytes bigint not null,
  state text,
  primary key (score, number)
);
