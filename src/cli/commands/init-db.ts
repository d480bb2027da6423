import type { Command } from 'commander'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { withDatabase, withDataDirectory } from '../own-database.ts'
import { print, printJson } from '../render.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server'])
  command.addHelpText(
    'after',
    '\nUses DATABASE_URL, else the embedded PostgreSQL of the data directory. `up` does the same by itself.',
  )
  command.action(async () => {
    const config = configOf(command)
    const done =
      config.databaseUrl === undefined
        ? await withDataDirectory(config, () => withDatabase(config, migrateAt))
        : await migrateAt(config.databaseUrl)
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
