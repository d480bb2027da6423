import type { Command } from 'commander'
import { AppError } from '../../lib/app-error.ts'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { withLiveDatabase } from '../own-database.ts'
import { showProgress } from '../progress.ts'
import { print, printJson } from '../render.ts'
import { contentsOf, plural, showBytes } from '../units.ts'
import { untilStopped } from '../until-stopped.ts'
import { version } from '../version.ts'

interface Options {
  withoutKeys?: boolean
  overwrite?: boolean
}

export function define(command: Command): void {
  command
    .argument('<file>', 'a new file, a directory to make one in, or - for stdout')
    .option('--without-keys', 'leave out the keys that open stored secrets; keep them elsewhere')
    .option('--overwrite', 'replace the file when it exists')
  addSettingOptions(command, ['server'])
  command.addHelpText(
    'after',
    `
Jobs, users, queues, audit log and logs as they are at one moment; everything goes on meanwhile. The file holds the keys
of stored secrets and of sessions, so it is as precious as the system itself; its mode is 0600. Settings are not in it.
\`runyard restore --check FILE\` reads it to the last byte.`,
  )
  command.action(async (file: string, options: Options) => {
    const { json, server } = globalsOf(command)
    if (server !== undefined) throw notFromElsewhere('backup')
    const toStdout = file === '-'
    if (toStdout && process.stdout.isTTY)
      throw new AppError('invalid_argument', 'a backup is no text: name a file, or send it to another program')
    const config = configOf(command)
    await untilStopped('interrupted; nothing was kept', async (signal) => {
      const { createBackup } = await import('../../backup/index.ts')
      const progress = showProgress(!json)
      const made = await withLiveDatabase(config, (databaseUrl) =>
        createBackup({
          config,
          databaseUrl,
          version,
          to: toStdout ? process.stdout : file,
          withoutKeys: options.withoutKeys === true,
          overwrite: options.overwrite === true,
          signal,
          onProgress: (text, bytes) => progress.say(`${text}, ${showBytes(bytes)}`),
        }),
      ).finally(() => progress.done())
      const { manifest, counts, path, bytes } = made
      const { rows: _, ...shown } = counts
      const summary = {
        ...{
          file: path,
          bytes,
          id: manifest.id,
          created_at: manifest.created_at,
          keys_included: manifest.keys_included,
        },
        ...{ runyard_version: manifest.runyard_version, postgres_version: manifest.postgres_version, ...shown },
      }
      if (json && !toStdout) return printJson(summary)
      if (json) return void process.stderr.write(`${JSON.stringify(summary)}\n`)
      const lines = [
        `Backed up ${contentsOf(counts)}${path === null ? '' : ` to ${path} (${showBytes(bytes ?? 0)})`}.`,
        manifest.keys_included
          ? 'It holds the keys that open stored secrets: keep it as safe as the system itself.'
          : `It holds no keys: without ${config.dataDir}/secrets/secret.key (or RUNYARD_SECRET_KEY) it cannot be restored.`,
        ...(counts.logs_missing > 0
          ? [
              `Not in ${config.dataDir}: ${plural(counts.logs_missing, 'log')}; another server has them, or somebody removed the files.`,
            ]
          : []),
      ]
      if (toStdout) process.stderr.write(`${lines.join('\n')}\n`)
      else for (const line of lines) print(line)
    })
  })
}

export const notFromElsewhere = (name: string): AppError =>
  new AppError(
    'invalid_argument',
    `--server: ${name} works on this machine's data directory and database; run it where the server runs`,
  )
