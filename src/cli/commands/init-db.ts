import type { Command } from 'commander'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { openInstance } from '../instance/open-instance.ts'
import { print, printJson } from '../render.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server'])
  command.addHelpText(
    'after',
    '\nUses DATABASE_URL, else the embedded PostgreSQL of the data directory. `up` does the same by itself.',
  )
  command.action(async () => {
    const config = configOf(command)
    const done = config.databaseUrl === undefined ? await initEmbedded(config) : await migrateAt(config.databaseUrl)
    if (globalsOf(command).json) return printJson({ applied: done })
    print(done.length === 0 ? 'The database is up to date.' : `Applied: ${done.join(', ')}`)
  })
}

async function migrateAt(url: string): Promise<string[]> {
  const [{ openDb }, { migrate }] = await Promise.all([import('../../db/pool.ts'), import('../../db/migrate.ts')])
  const db = openDb(url)
  try {
    return await migrate(db)
  } finally {
    await db.end()
  }
}

async function initEmbedded(config: ReturnType<typeof configOf>): Promise<string[]> {
  const nothing = (): void => {}
  const instance = await openInstance(config, {
    ephemeral: false,
    onRunnerWanted: nothing,
    onAbandoned: nothing,
    onLastClientGone: nothing,
    onStopAsked: nothing,
  })
  try {
    const { startEmbedded } = await import('../../db/embedded.ts')
    const embedded = await startEmbedded(config)
    try {
      return await migrateAt(embedded.url)
    } finally {
      await embedded.stop()
    }
  } finally {
    await instance.close()
  }
}
