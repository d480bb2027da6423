/**
 * vitest's global setup of the projects that use a database. The server starts when the first test asks for it, so a
 * run of pure tests pays nothing; it asks through a small unix socket, as tests live in other processes.
 */
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../src/db/migrate.ts'
import { openDb } from '../src/db/pool.ts'
import { removeScratch, removeStaleScratch, scratchDir } from './scratch.ts'
import { embeddedServer, externalServer, type TestServer } from './servers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    databaseSocket: string
  }
}

export const withName = (url: string, name: string): string => {
  const [base = '', query] = url.split('?')
  return `${base.replace(/\/[^/]*$/, '')}/${name}${query === undefined ? '' : `?${query}`}`
}

export const ownerOf = (url: string): string => /\/\/([^:@]+)/.exec(url)?.[1] ?? 'current_user'

/** A migrated database that tests get copies of. Its name is ours alone: an external server may be shared. */
async function makeTemplate({ adminUrl, userUrl }: TestServer): Promise<string> {
  const template = `runyard_test_${process.pid}_${Date.now().toString(36)}`
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    await admin.query(`create database ${template} owner ${ownerOf(userUrl)}`)
  } finally {
    await admin.end()
  }
  const db = openDb(withName(userUrl, template))
  try {
    await migrate(db)
  } finally {
    await db.end()
  }
  return template
}

async function dropAll(adminUrl: string, template: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    const made = await admin.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [template],
    )
    for (const { name } of made.rows) await admin.query(`drop database if exists ${name} with (force)`)
  } finally {
    await admin.end()
  }
}

function setupFor(start: () => Promise<TestServer>): (project: TestProject) => Promise<() => Promise<void>> {
  return async (project) => {
    removeStaleScratch()
    const dir = scratchDir()
    const socket = join(dir, 's')
    let running: Promise<{ server: TestServer; template: string }> | undefined
    const ensure = async () => {
      const server = await start()
      try {
        return { server, template: await makeTemplate(server) }
      } catch (error) {
        await server.stop()
        throw error
      }
    }
    const desk = createServer((connection) => {
      connection.on('error', () => {})
      running ??= ensure()
      running.then(
        ({ server, template }) =>
          connection.end(JSON.stringify({ adminUrl: server.adminUrl, userUrl: server.userUrl, template })),
        (error: Error) => connection.end(JSON.stringify({ error: error.message })),
      )
    })
    await new Promise<void>((resolve) => desk.listen(socket, resolve))
    project.provide('databaseSocket', socket)
    // Ctrl-C ends vitest without our teardown; the server's watcher ends it then, this removes the files.
    const leave = (): void => removeScratch(dir)
    process.once('exit', leave)
    return async () => {
      process.off('exit', leave)
      desk.close()
      const ended = await running?.catch(() => undefined)
      if (ended) {
        if (process.env.RUNYARD_TEST_DATABASE_URL) await dropAll(ended.server.adminUrl, ended.template)
        await ended.server.stop()
      }
      leave()
    }
  }
}

export const embedded = setupFor(embeddedServer)
export const external = setupFor(externalServer)
