/** Queries built and checked by types, for what is not on a hot path: Kysely sends unnamed statements, half as fast. */
import { Kysely, PostgresDialect } from 'kysely'
import type { Db } from './pool.ts'
import type { Schema } from './tables.ts'

/** Not part of `Db`: whoever needs none of it does not load it either. */
export const typed = (db: Db): Kysely<Schema> => new Kysely<Schema>({ dialect: new PostgresDialect({ pool: db.pool }) })
