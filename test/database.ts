/** A fresh, migrated database for a test, in about 100 ms. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { inject } from 'vitest'
import { openDb, type Db } from '../src/db/pool.ts'
import { ownerOf, withName } from './database-setup.ts'

export interface TestDatabase {
  db: Db
  url: string
  /** Closes `db` and removes the database, whoever is still connected. */
  drop(): Promise<void>
}

interface Desk {
  adminUrl: string
  userUrl: string
  template: string
}

let desk: Promise<Desk> | undefined

async function askDesk(): Promise<Desk> {
  const connection = connect(inject('databaseSocket'))
  const answer = JSON.parse(await text(connection)) as Desk | { error: string }
  if ('error' in answer) throw new Error(answer.error)
  return answer
}

async function asAdmin(adminUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function create(from: 'template' | 'empty'): Promise<{ url: string; remove(): Promise<void> }> {
  const { adminUrl, userUrl, template } = await (desk ??= askDesk())
  const name = `${template}_${randomBytes(6).toString('hex')}`
  const source = from === 'template' ? `template ${template} strategy file_copy` : ''
  await asAdmin(adminUrl, `create database ${name} owner ${ownerOf(userUrl)} ${source}`)
  return {
    url: withName(userUrl, name),
    remove: () => asAdmin(adminUrl, `drop database if exists ${name} with (force)`),
  }
}

export async function testDatabase(): Promise<TestDatabase> {
  const { url, remove } = await create('template')
  const db = openDb(url)
  return {
    db,
    url,
    async drop() {
      await db.end()
      await remove()
    },
  }
}

/** One without any table, for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { url, remove } = await create('empty')
  return { url, drop: remove }
}
