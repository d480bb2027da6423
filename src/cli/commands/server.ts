import type { Command } from 'commander'
import { addSettingOptions, configOf, globalsOf } from '../globals.ts'
import { onAll, print, printJson } from '../render.ts'
import { reportError } from '../report-error.ts'
import { version } from '../version.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server', 'jobs'])
  command.addHelpText('after', '\nJobs wait until a runner comes: `runyard runner`, or use `runyard up` for both.')
  command.action(async () => {
    const config = configOf(command)
    const { json } = globalsOf(command)
    const [{ logFacts }, { serve, exitCodeOfServeError }] = await Promise.all([
      import('../../lib/fact-log.ts'),
      import('../serve.ts'),
    ])
    logFacts(config.logLevel)
    try {
      process.exitCode = await serve({
        config,
        mode: 'foreground',
        onUp({ url, grpc, firstLogin }) {
          if (json)
            return printJson({
              url,
              grpc: grpc ?? null,
              data_dir: config.dataDir,
              version,
              pid: process.pid,
              first_login: firstLogin ?? null,
            })
          const port = grpc === undefined ? '' : ` and gRPC at ${grpc}${onAll(config.grpcHost)}`
          print(`Runyard ${version} serves ${url}${onAll(config.host)}${port}`)
          if (firstLogin) print(`First login, shown this once: ${firstLogin.username} / ${firstLogin.password}`)
        },
      })
    } catch (error) {
      reportError(error, { json })
      process.exitCode = exitCodeOfServeError(error)
    }
  })
}
