/** `up` and `server`: an instance with a server in this process, and for `up` a runner beside it, until told to stop. */
import type { Config } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import { emitFact } from '../lib/facts.ts'
import type { EndRuns } from '../server/server.ts'
import { tidyWhenIdle } from '../lib/idle-memory.ts'
import { exitCodes } from './exit-codes.ts'
import { readFacts, removeFacts, writeFacts, type FirstLogin } from './instance/files.ts'
import { Held, openInstance, type OpenInstance } from './instance/open-instance.ts'
import { createOrphans } from './instance/orphans.ts'
import { settingsMark } from './instance/settings-mark.ts'
import { superviseRunner, type SupervisedRunner } from './instance/supervise-runner.ts'
import { webRoot } from './package-root.ts'
import { onStop } from './process-life.ts'
import { errorText } from './report-error.ts'
import { version } from './version.ts'

export interface ServeOptions {
  config: Config
  /** `foreground` somebody watches; `ephemeral` ends with its last client. */
  mode: 'foreground' | 'background' | 'ephemeral'
  /** Words for the runner beside the server; none starts no runner. */
  runnerArgs?: string[]
  onUp(up: {
    url: string
    grpc?: string
    prunner?: string
    firstLogin?: FirstLogin
    username: string
    warnings: readonly string[]
  }): void
}

const lastClientGone = 'the last client has gone'

/** Resolves with the exit code when everything has stopped. */
export async function serve({ config, mode, runnerArgs, onUp }: ServeOptions): Promise<number> {
  const stop = listenForStop()
  const runner = aRunner(config, runnerArgs, mode !== 'ephemeral')
  stop.onSecond(() => void runner.stop(true))
  const orphans = createOrphans()
  const instance = await openInstance(config, {
    ephemeral: mode === 'ephemeral',
    onRunnerWanted: () => runner.want(),
    onAbandoned: (id) => orphans.add(id),
    onLastClientGone: () => stop.ask(lastClientGone),
    onStopAsked: () => stop.ask('runyard down'),
  })
  try {
    instance.progress('starting the database and the server')
    // Beside the server's own start: the runner waits for the server's socket.
    runner.begin(instance)
    // A stop that comes meanwhile waits for the start: half a database cluster helps nobody.
    const { startServer } = await import('../server/server.ts')
    const server = await startServer(config, { version, webRoot, passing: mode !== 'foreground' })
    const { createApiClient } = await import('../api/client.ts')
    orphans.begin(createApiClient({ baseUrl: server.url, token: server.localToken }).calls.jobs)
    onUp({
      url: server.url,
      grpc: server.grpcAddress(),
      prunner: server.prunnerUrl,
      username: server.admin.username,
      warnings: server.warnings,
      firstLogin: await firstLogin(config.dataDir, mode, server),
    })
    instance.ready(server.url)
    tidyWhenIdle()

    const why = await stop.asked
    emitFact({ name: 'up.stopping', why })
    await server.endRuns(runsAt(why, config), stop.hurry)
    await instance.closeDoor()
    await orphans.settled()
    // Nobody is left to wait for: a job with a long grace must not keep the machine busy for all of it.
    if (why === lastClientGone) await orphans.ended(stop.twice)
    await runner.stop(stop.twice())
    await server.stop()
    return exitCodes.ok
  } catch (error) {
    instance.failed(errorText(error))
    await runner.stop(true)
    throw error
  } finally {
    await instance.close()
  }
}

/** `runyard down` and a last client that leaves are no signals: what waits, waits on. */
const runsAt = (why: string, config: Config): EndRuns =>
  (why === 'SIGINT' ? config.runsAtInterrupt : why === 'SIGTERM' ? config.runsAtTerminate : 'leave') as EndRuns

/** The first signal stops in order, the second in a hurry, the third at once. */
function listenForStop() {
  let ask = (_why: string): void => {}
  const asked = new Promise<string>((resolve) => (ask = resolve))
  let signals = 0
  let hurry = (): void => {}
  const inAHurry = new AbortController()
  onStop((signal) => {
    signals += 1
    ask(signal)
    if (signals === 2) {
      inAHurry.abort()
      hurry()
    }
    if (signals > 2) process.exit(exitCodes.failed)
  })
  const onSecond = (act: () => void): void => void (hurry = act)
  return { asked, ask, twice: () => signals > 1, onSecond, hurry: inAHurry.signal }
}

/** The runner beside the server. In an ephemeral server it starts with the first client that has something to run. */
function aRunner(config: Config, args: string[] | undefined, wantedFromTheStart: boolean) {
  let wanted = wantedFromTheStart
  let instance: OpenInstance | undefined
  let supervised: SupervisedRunner | undefined
  const start = (): void => {
    if (instance === undefined || args === undefined || !wanted) return
    const { id, failed } = instance
    supervised ??= superviseRunner({
      instanceId: id,
      dataDir: config.dataDir,
      args,
      env: withoutServerSecrets(process.env),
      settings: settingsMark(config),
      drainMs: config.drainSeconds * 1000,
      onHopeless: () =>
        failed(`the runner does not start; see ${config.dataDir}/up.log or the output of \`runyard up\``),
    })
  }
  return {
    want() {
      wanted = true
      start()
    },
    begin(opened: OpenInstance) {
      instance = opened
      start()
    },
    async stop(fast: boolean) {
      await supervised?.stop(fast)
    },
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
