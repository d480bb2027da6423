/** What in a database is ours: the names that our migrations make. The rest is somebody else's and never touched. */
import type { Migration } from '../db/migrate.ts'

export interface OwnObjects {
  table: string[]
  sequence: string[]
  function: string[]
  view: string[]
  type: string[]
}

const creating =
  /^\s*create\s+(?:or\s+replace\s+)?(?:unlogged\s+)?(table|sequence|function|type|view)\s+(?:if\s+not\s+exists\s+)?"?(\w+)"?/gim
const renaming = /^\s*alter\s+table\s+(?:if\s+exists\s+)?"?\w+"?\s+rename\s+to\s+"?(\w+)"?/gim

export function ownObjects(migrations: Migration[]): OwnObjects {
  const found: OwnObjects = { table: ['schema_migrations'], sequence: [], function: [], view: [], type: [] }
  for (const { sql } of migrations) {
    for (const [, kind, name] of sql.matchAll(creating)) found[kind!.toLowerCase() as keyof OwnObjects].push(name!)
    for (const [, name] of sql.matchAll(renaming)) found.table.push(name!)
  }
  return found
}
