import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { dumpSchema } from './dump-schema.ts'

const schemaFile = new URL('./schema.sql', import.meta.url)
const tablesFile = new URL('./tables.ts', import.meta.url)

let base: TestDatabase
beforeAll(async () => {
  base = await testDatabase()
})
afterAll(() => base.drop())

test('schema.sql is what the migrations make, on every PostgreSQL we support', async () => {
  const dumped = await dumpSchema(base.db)
  if (process.env.RUNYARD_TEST_WRITE_SCHEMA) await writeFile(schemaFile, dumped)
  expect(dumped, 'after a migration: npm run schema').toBe(await readFile(schemaFile, 'utf8'))
})

test('the dump holds every kind of object', async () => {
  const { rows } = await base.db.query<{ n: number }>(
    `select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')`,
  )
  expect(rows[0]!.n).toBeGreaterThan(10)
  await base.db.query(`
    create type mood as enum ('good', 'bad');
    create view calm as select username from users;
    create table extra (id bigint primary key, at timestamptz not null default now(), half integer generated always as (1) stored) with (fillfactor = 70);
    create index extra_at on extra (at) where id > 5;
    alter table jobs add constraint name_is_there check (name <> '')`)
  const dumped = await dumpSchema(base.db)
  for (const part of [
    "create type mood as enum ('good', 'bad');",
    'create view calm as',
    'at timestamp with time zone default now() not null',
    'half integer generated always as (1) stored',
    'with (fillfactor=70)',
    'CREATE INDEX extra_at ON public.extra USING btree (at) WHERE (id > 5)',
    'constraint name_is_there CHECK',
    'create sequence attempt_token as bigint',
    'CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE ON public.audit_log',
    'CREATE OR REPLACE FUNCTION public.refuse_change()',
  ]) {
    expect(dumped).toContain(part)
  }
})

interface Column {
  table: string
  column: string
  nullable: boolean
}

/** What `tables.ts` says: `name: Type` inside each `interface XTable`, and which table it is of. */
async function declaredColumns(): Promise<Column[]> {
  const text = await readFile(tablesFile, 'utf8')
  const tableOf = new Map([...text.matchAll(/^ {2}(\w+): (\w+Table)$/gm)].map((m) => [m[2]!, m[1]!]))
  return [...text.matchAll(/^export interface (\w+Table) \{\n(.*?)^\}/gms)].flatMap(([, name, body]) =>
    [...body!.matchAll(/^ {2}(\w+): (.+)$/gm)].map(([, column, type]) => ({
      table: tableOf.get(name!) ?? `${name} is not in Schema`,
      column: column!,
      nullable: /^Optional/.test(type!),
    })),
  )
}

test('tables.ts names every column and says which may be null', async () => {
  const fresh = await testDatabase()
  try {
    const { rows } = await fresh.db.query<Column>(`
      select c.relname as table, a.attname as column, not a.attnotnull as nullable
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`)
    const inOrder = (columns: Column[]): string[] =>
      columns.map((c) => `${c.table}.${c.column} ${c.nullable ? 'null' : 'not null'}`).sort()
    expect(inOrder(await declaredColumns())).toEqual(inOrder(rows))
  } finally {
    await fresh.drop()
  }
})
