/** `up` and `server`: an instance with a server in this process, and for `up` a runner beside it, until told to stop. */
import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { emitFact } from '../lib/facts.ts'
import { exitCodes } from './exit-codes.ts'
import { readFacts, removeFacts, writeFacts, type FirstLogin } from './instance/files.ts'
import { Held, openInstance } from './instance/open-instance.ts'
import { superviseRunner, type SupervisedRunner } from './instance/supervise-runner.ts'
import { webRoot } from './package-root.ts'
import { onStop, type StopSignal } from './process-life.ts'
import { errorText } from './report-error.ts'
import { version } from './version.ts'

export interface ServeOptions {
  config: Config
  /** `foreground` somebody watches; `ephemeral` ends with its last client. */
  mode: 'foreground' | 'background' | 'ephemeral'
  /** Words for the runner beside the server; none starts no runner. */
  runnerArgs?: string[]
  onUp(up: { url: string; firstLogin?: FirstLogin; username: string }): void
}

/** Resolves with the exit code when everything has stopped. */
export async function serve({ config, mode, runnerArgs, onUp }: ServeOptions): Promise<number> {
  let runner: SupervisedRunner | undefined
  let tellStop = (_why: string): void => {}
  const stopAsked = new Promise<string>((resolve) => (tellStop = resolve))
  let signals = 0
  onStop((signal: StopSignal) => {
    signals += 1
    tellStop(signal)
    if (signals === 2) void runner?.stop(true)
    if (signals > 2) process.exit(exitCodes.failed)
  })
  let runnerWanted = mode !== 'ephemeral'
  const abandoned = new Set<string>()
  let onRunnerWanted = (): void => {}
  let cancelAbandoned = (_id: string): void => {}

  const instance = await openInstance(config, {
    ephemeral: mode === 'ephemeral',
    onRunnerWanted() {
      runnerWanted = true
      onRunnerWanted()
    },
    onAbandoned(id) {
      abandoned.add(id)
      cancelAbandoned(id)
    },
    onLastClientGone: () => tellStop('the last client has gone'),
    onStopAsked: () => tellStop('runyard down'),
  })
  try {
    instance.progress('starting the database and the server')
    const startWantedRunner = (): void => {
      if (runnerArgs === undefined || !runnerWanted) return
      runner ??= superviseRunner({
        instanceId: instance.id,
        dataDir: config.dataDir,
        args: runnerArgs,
        env: withoutServerSecrets(process.env),
        drainMs: config.drainSeconds * 1000,
        onHopeless: () => instance.failed('the runner does not start; see the log of `runyard up`'),
      })
    }
    onRunnerWanted = startWantedRunner
    // Beside the server's own start: it waits for the server's socket.
    startWantedRunner()
    const starting = import('../server/server.ts').then(({ startServer }) =>
      startServer(config, { version, webRoot }),
    )
    // A stop that comes first waits for the start: half a database cluster helps nobody.
    const server = await starting
    const cancelling = new Set<Promise<unknown>>()
    const client = (await import('../api/client.ts')).createApiClient({ baseUrl: server.url, token: server.localToken })
    cancelAbandoned = (id) => {
      const cancel = client.calls.jobs.cancel({ id, reason: 'its `runyard run` was killed' }).catch(() => {})
      cancelling.add(cancel)
      void cancel.then(() => cancelling.delete(cancel))
    }
    for (const id of abandoned) cancelAbandoned(id)
    onUp({ url: server.url, username: server.admin.username, firstLogin: await firstLogin(config.dataDir, mode, server) })
    instance.ready(server.url)

    const why = await stopAsked
    emitFact({ name: 'up.stopping', why })
    await instance.closeDoor()
    await Promise.all(cancelling)
    await runner?.stop(signals > 1)
    await server.stop()
    return exitCodes.ok
  } catch (error) {
    instance.failed(errorText(error))
    await runner?.stop(true)
    throw error
  } finally {
    await instance.close()
  }
}

/** A password that was made unseen is kept (0600) until somebody watches. */
async function firstLogin(
  dataDir: string,
  mode: ServeOptions['mode'],
  server: { admin: { username: string; generatedPassword?: string } },
): Promise<FirstLogin | undefined> {
  const { username, generatedPassword } = server.admin
  const made = generatedPassword === undefined ? undefined : { username, password: generatedPassword }
  if (mode !== 'foreground') {
    if (made !== undefined) await writeFacts(dataDir, 'secrets/first-login.json', made)
    return undefined
  }
  const kept = made ?? (await readFacts(dataDir, 'secrets/first-login.json'))
  await removeFacts(dataDir, 'secrets/first-login.json')
  return kept
}

/** The runner never sees the database nor the server's keys. */
function withoutServerSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const hidden = new Set<string>()
  for (const setting of Object.values(settings)) {
    if (!('secret' in setting)) continue
    hidden.add(setting.env)
    if ('alias' in setting) hidden.add(setting.alias)
  }
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)))
}

export const exitCodeOfServeError = (error: unknown): number =>
  error instanceof Held ? exitCodes.held : exitCodes.failed
