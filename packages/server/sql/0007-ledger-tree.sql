-- The tree over the ledger, its checkpoints and the keys that sign them; and what entries are searched by.

-- head: one row, once there is a tree. size: how far the tree is built; frontier: the roots of the full subtrees at its right edge, largest first, 32 bytes each.
-- restored: the id of the last restore below size, empty before the first.
create table ledger_head (
  id bigint not null primary key check (id = 1),
  size bigint not null check (size >= 0),
  frontier bytea not null,
  restored text COLLATE "C" not null default ''
);

-- 256 hashes wide, as C2SP tlog-tiles has them: level 0 holds leaves, each further level the roots of full tiles below it.
-- width: how many of the 256 are there; only the last tile of a level is not full.
create table ledger_tile (
  level bigint not null check (level >= 0),
  ix bigint not null check (ix >= 0),
  width bigint not null check (width between 1 and 256),
  hashes bytea not null,
  primary key (level, ix)
);

-- note: the signed note, whole. published: JSON, one object a sink: where, when, whether it worked.
create table ledger_checkpoint (
  size bigint not null primary key check (size >= 1),
  note text not null,
  at bigint not null,
  published text not null default '[]'
);

-- verifier: the public key as its line of C2SP signed-note. seq: the entry that introduced it.
create table ledger_key (
  verifier text COLLATE "C" not null primary key,
  seq bigint not null,
  created_at bigint not null
);

-- Search copies: the outcome, for the entries that are there already too.

-- only sqlite
drop trigger ledger_entry_keeps_updates_out;
-- end only

-- only postgresql
drop trigger ledger_entry_only_grows on ledger_entry;
-- end only

alter table ledger_entry add column outcome text COLLATE "C" not null default 'allowed';

-- only sqlite
update ledger_entry set outcome = json_extract(body, '$.outcome')
where json_extract(body, '$.outcome') <> 'allowed';
-- end only

-- only postgresql
update ledger_entry set outcome = body::json ->> 'outcome' where body::json ->> 'outcome' <> 'allowed';
-- end only

-- only sqlite
create trigger ledger_entry_keeps_updates_out before update on ledger_entry
begin
  select raise(abort, 'the ledger only grows');
end;
-- end only

-- only postgresql
create trigger ledger_entry_only_grows before update or delete or truncate on ledger_entry
for each statement execute function refuse_change('the ledger only grows');
-- end only

create index ledger_entry_by_action on ledger_entry (action, seq);

create index ledger_entry_by_team on ledger_entry (team_id, seq);
