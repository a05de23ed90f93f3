import type { Database } from './database.ts';

/**
 * The statements of a migration for one database. Migrations are written for PostgreSQL in the subset that both know;
 * see sql/0001-foundation.sql for the rules. A statement ends with `;` at the end of a line; between
 * `-- only <database>` and `-- end only` stands one statement, with all its semicolons.
 */
export function statementsOf(text: string, kind: Database['kind']): readonly string[] {
  const statements: string[] = [];
  let lines: string[] = [];
  let only: string | undefined;
  const finish = (): void => {
    const statement = lines.join('\n').trim();
    lines = [];
    if (statement === '') return;
    if (only === undefined) statements.push(kind === 'sqlite' ? toSqlite(statement) : statement);
    else if (only === kind) statements.push(statement);
  };
  for (const line of text.split('\n')) {
    const begin = /^-- only (sqlite|postgresql)$/.exec(line);
    if (begin !== null) {
      only = begin[1];
    } else if (line === '-- end only') {
      finish();
      only = undefined;
    } else if (!line.startsWith('--')) {
      lines.push(line);
      if (only === undefined && line.trimEnd().endsWith(';')) finish();
    }
  }
  if (only !== undefined || lines.join('').trim() !== '')
    throw new Error('a migration ends in the middle of a statement');
  return statements;
}

/** Translates a statement of the common subset; SQLite's `COLLATE BINARY`, its default, is what `COLLATE "C"` means. */
function toSqlite(statement: string): string {
  const translated = statement
    .replaceAll(/ COLLATE "C"/gi, '')
    .replaceAll(/\bbigint\b/gi, 'INTEGER')
    .replaceAll(/\bdouble precision\b/gi, 'REAL')
    .replaceAll(/\bbytea\b/gi, 'BLOB');
  return /^create table/i.test(translated) ? translated.replace(/\)\s*;$/, ') STRICT;') : translated;
}
