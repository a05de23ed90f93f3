-- Where a version comes from.

-- lineage: the place that it was copied from, as JSON; null for one that was handed over.
alter table model_version add column lineage text;

-- It is part of what a version is, which never changes.

-- only sqlite
create trigger model_version_lineage_is_immutable
before update of lineage
on model_version
begin
  select raise(abort, 'a version never changes');
end;
-- end only

-- only postgresql
create trigger model_version_lineage_is_immutable
before update of lineage
on model_version
for each row execute function refuse_change('a version never changes');
-- end only
