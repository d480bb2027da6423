/** Which servers a runner works for: those named, those that this machine was enrolled with, or the one beside it. */
import { join } from 'node:path'
import { effectiveConfig, type Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import type { CredentialFiles, Endpoint } from '../runner/joining.ts'
import { besideTheServer } from './beside-the-server.ts'

export type RunnerAddress =
  | { socketPath: string; beside?: boolean }
  /** `name`: the certificate's. */
  | { servers: Endpoint[]; files: CredentialFiles; ownsCa: boolean; name: string }

export async function runnerAddress(config: Config, runDir: string): Promise<RunnerAddress> {
  const socketPath = join(runDir, 'runner.sock')
  const { server, cert } = config
  if (server === besideTheServer) return { socketPath, beside: true }
  const { readIdentity, parseServers, settleCredentials } = await import('../runner/joining.ts')
  const enrolled = await readIdentity(config.dataDir)
  if (cert === undefined && enrolled === null) {
    if (server === undefined) return { socketPath }
    throw new AppError(
      'failed_precondition',
      '--server: servers elsewhere want a certificate: runyard runner enrol TOKEN, or name one with --cert',
      { fields: [{ field: '--cert', message: 'is missing' }] },
    )
  }
  const servers = server === undefined ? enrolled?.servers : parseServers(server)
  if (servers === undefined) {
    throw new AppError('invalid_argument', '--server: say where the servers are, as host:port', {
      fields: [{ field: '--server', message: 'is missing' }],
    })
  }
  const files = cert === undefined ? enrolled!.files : namedFiles(cert, config)
  await settleCredentials(files)
  return { servers, files, ownsCa: cert === undefined, name: await nameIn(files, config) }
}

const namedFiles = (cert: string, { key, ca }: Config): CredentialFiles => ({
  cert,
  key: key ?? cert.replace(/\.(?:crt|pem|cert)$/, '').concat('.key'),
  ca: ca ?? join(cert, '..', 'ca.crt'),
})

async function nameIn(files: CredentialFiles, config: Config): Promise<string> {
  const { inspectCredentials } = await import('../runner/joining.ts')
  const { name, notAfter } = await inspectCredentials(files)
  if (notAfter.getTime() < Date.now()) {
    throw new AppError(
      'failed_precondition',
      `${files.cert} ended on ${notAfter.toISOString().slice(0, 10)}: runyard runner token, then runner enrol --force`,
    )
  }
  const wished = effectiveConfig(config).find(({ setting }) => setting === 'runnerName')
  if (wished?.source !== 'default' && config.runnerName !== name) {
    throw new AppError(
      'invalid_argument',
      `--name: this machine’s certificate is for the runner ${name}, not for ${config.runnerName}; leave the name away`,
      { fields: [{ field: '--name', message: `must be ${name}` }] },
    )
  }
  return name
}
