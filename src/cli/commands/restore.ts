import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import type { OpenedBackup } from '../../backup/index.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../lib/app-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { isHeld } from '../instance/lock.ts'
import { withDatabase, withDataDirectory } from '../own-database.ts'
import { showProgress } from '../progress.ts'
import { confirm } from '../prompt.ts'
import { notice, print, printJson } from '../render.ts'
import { contentsOf, plural } from '../units.ts'
import { untilStopped } from '../until-stopped.ts'
import { version } from '../version.ts'
import { notFromElsewhere } from './backup.ts'

interface Options {
  check?: boolean
  force?: boolean
  yes?: boolean
  paused?: boolean
}

export function define(command: Command): void {
  command
    .argument('<file>', 'a backup, or - for stdin')
    .option('--check', 'read the file to its last byte and change nothing')
    .option('--force', 'replace what is in the database and the data directory')
    .option('-y, --yes', 'with --force: do it without asking')
    .option('--paused', 'leave all queues paused: nothing starts before `queue set NAME --resume`')
  addSettingOptions(command, ['server'])
  command.addHelpText(
    'after',
    `
Into the embedded PostgreSQL of the data directory, or with DATABASE_URL into that database, which must be empty.
Versions of PostgreSQL and of Runyard may differ; a backup of a newer Runyard is refused. No server may run there.
Waiting jobs wait on. Jobs that were running at the backup run again when they have attempts left, else they are lost;
runners of the old system can no longer report. Stop the old system first, or its jobs run twice.`,
  )
  command.action(async (file: string, options: Options) => {
    const { json, server } = globalsOf(command)
    if (server !== undefined) throw notFromElsewhere('restore')
    if (options.force === true && options.yes !== true && (!process.stdin.isTTY || file === '-'))
      throw new AppError('invalid_argument', 'no terminal to ask on: add --yes')
    const config = configOf(command)
    await untilStopped('interrupted; nothing was changed', async (signal, stop) => {
      const { openBackup } = await import('../../backup/index.ts')
      const backup = await openBackup(file === '-' ? process.stdin : await opened(file))
      try {
        if (options.check === true) await check(backup, json)
        else await restore(backup, { config, options, json, file, signal, stop })
      } finally {
        backup.archive.close()
      }
    })
  })
}

async function opened(file: string): Promise<Readable> {
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is no such file' : cause.code
    throw new AppError('not_found', `cannot read ${file}: ${why}`, { cause })
  })
  return handle.createReadStream({ highWaterMark: 1024 * 1024 })
}

const facts = ({ manifest }: OpenedBackup) => ({
  id: manifest.id,
  created_at: manifest.created_at,
  runyard_version: manifest.runyard_version,
  postgres_version: manifest.postgres_version,
  schema: manifest.schema.at(-1)?.version ?? null,
  secret_key_id: manifest.secret_key_id,
  keys_included: manifest.keys_included,
})

async function check(backup: OpenedBackup, json: boolean): Promise<void> {
  const { checkBackup } = await import('../../backup/index.ts')
  const progress = showProgress(!json)
  progress.say('reading')
  const { rows: _, ...counts } = await checkBackup(backup).finally(() => progress.done())
  const { created_at: at, runyard_version: by, keys_included: keys, secret_key_id: keyId } = facts(backup)
  if (json) return printJson({ whole: true, ...facts(backup), ...counts })
  print(`Whole and unchanged: taken ${at} by Runyard ${by}; ${contentsOf(counts)}.`)
  print(keys ? 'It holds the keys that open its secrets.' : `It holds no keys: a restore needs key ${keyId}.`)
}

interface Work {
  config: Config
  options: Options
  json: boolean
  file: string
  signal: AbortSignal
  stop(): void
}

async function restore(backup: OpenedBackup, { config, options, json, file, signal, stop }: Work): Promise<void> {
  const { restoreBackup } = await import('../../backup/index.ts')
  const progress = showProgress(!json)
  const result = await withDataDirectory(
    config,
    async (instance) => {
      if (await isHeld(instance.id, 'runner'))
        throw new AppError('conflict', `a runner of ${config.dataDir} is still there; stop it first`)
      instance.progress('restoring a backup')
      return withDatabase(config, (databaseUrl) =>
        restoreBackup({
          config,
          databaseUrl,
          version,
          backup,
          force: options.force === true,
          confirm: async (what) => options.yes === true || confirm(`Replace ${what}?`),
          paused: options.paused === true,
          signal,
          onProgress: (text) => progress.say(text),
        }),
      )
    },
    stop,
  ).finally(() => progress.done())
  if (result === undefined) {
    process.exitCode = exitCodes.failed
    if (json) return printJson({ restored: false })
    return notice('nothing was changed')
  }
  const { rows: _, ...counts } = result.counts
  const { again, lost, waiting, migrated } = result
  if (json)
    return printJson({
      restored: true,
      ...facts(backup),
      ...counts,
      migrated,
      jobs_again: again,
      jobs_lost: lost,
      jobs_waiting: waiting,
    })
  const { created_at: at, runyard_version: by } = facts(backup)
  print(`Restored ${file === '-' ? 'the backup' : file}, taken ${at} by Runyard ${by}: ${contentsOf(counts)}.`)
  if (migrated.length > 0) print(`Brought up to date: ${migrated.join(', ')}.`)
  if (again + lost > 0) print(`Running then: ${plural(again + lost, 'job')}; to run again: ${again}, lost: ${lost}.`)
  if (waiting > 0)
    print(
      `Waiting: ${plural(waiting, 'job')}; ${options.paused === true ? 'all queues are paused' : 'the server starts them: runyard up'}.`,
    )
}
