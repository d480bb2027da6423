import { Option, type Command } from 'commander'
import { effectiveConfig } from '../../config/config.ts'
import { exitCodes } from '../exit-codes.ts'
import { addSettingOptions, configOf, flagWords, globalsOf } from '../globals.ts'
import { onAll, paint, print, printJson } from '../render.ts'
import { reportError } from '../report-error.ts'
import { version } from '../version.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server', 'runner', 'jobs'])
  command
    .addOption(new Option('--ephemeral').hideHelp())
    .addOption(new Option('--background').hideHelp())
    .action(async (options: { ephemeral?: boolean; background?: boolean }) => {
      process.exitCode = await up(command, options)
    })
}

/** For one command on this machine: whatever else listens here must not be in its way. */
const anyPort = { host: '127.0.0.1', port: 0, grpcHost: '127.0.0.1', grpcPort: 0 }

async function up(command: Command, options: { ephemeral?: boolean; background?: boolean }): Promise<number> {
  const config = configOf(command)
  const { json } = globalsOf(command)
  const from = (name: string) => effectiveConfig(config).find(({ setting }) => setting === name)?.source
  const mode = options.ephemeral ? 'ephemeral' : options.background ? 'background' : 'foreground'
  if (mode === 'ephemeral') Object.assign(config, anyPort)
  if (mode === 'background' && from('port') === 'default' && !(await isFree(config.host, config.port))) config.port = 0
  if (mode === 'background' && from('grpcPort') === 'default' && !(await isFree(config.grpcHost, config.grpcPort)))
    config.grpcPort = 0
  // On a terminal people read; the log lines are for collectors.
  const level =
    mode === 'foreground' && process.stderr.isTTY && from('logLevel') === 'default' ? 'warn' : config.logLevel
  const [{ logFacts }, { serve, exitCodeOfServeError }] = await Promise.all([
    import('../../lib/fact-log.ts'),
    import('../serve.ts'),
  ])
  logFacts(level)
  const runnerFlags = ['dataDir', 'runDir', 'runnerName', 'runnerSlots', 'runnerLabels', 'pipelines'] as const
  try {
    return await serve({
      config,
      mode,
      runnerArgs: [...flagWords(command, [...runnerFlags]), ...whereOf(command, config), '--log-level', level],
      onUp({ url, grpc, prunner, username, firstLogin, warnings }) {
        if (mode !== 'foreground') return
        if (json)
          return printJson({
            url,
            grpc: grpc ?? null,
            prunner: prunner ?? null,
            data_dir: config.dataDir,
            version,
            pid: process.pid,
            first_login: firstLogin ?? null,
          })
        print(`Runyard ${version} is up: ${url}${onAll(config.host)}`)
        if (grpc !== undefined)
          print(`gRPC: ${grpc}${onAll(config.grpcHost)}, with certificates of \`runyard certs issue\``)
        if (prunner !== undefined) print(`For prunner's clients: ${prunner}; a token to try it: runyard prunner token`)
        print(`Data: ${config.dataDir}${config.databaseUrl === undefined ? '' : '; database: DATABASE_URL'}`)
        print(
          firstLogin === undefined
            ? `Sign in as ${username}`
            : `First login, shown this once: ${firstLogin.username} / ${firstLogin.password}`,
        )
        for (const warning of warnings) print(`${paint('yellow', 'Warning')}: ${warning}`)
        if (process.stdout.isTTY)
          print('Ctrl-C stops it; jobs get their time first, a second Ctrl-C hands them back at once.')
      },
    })
  } catch (error) {
    reportError(error, { json })
    return exitCodeOfServeError(error) || exitCodes.failed
  }
}

/** The runner must find the same place, however we were told of it. */
function whereOf(command: Command, config: { dataDir: string; runDir: string }): string[] {
  const told = flagWords(command)
  const words: string[] = []
  if (!told.includes('--data-dir')) words.push('--data-dir', config.dataDir)
  if (!told.includes('--run-dir')) words.push('--run-dir', config.runDir)
  return words
}

async function isFree(host: string, port: number): Promise<boolean> {
  const { createServer } = await import('node:net')
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
