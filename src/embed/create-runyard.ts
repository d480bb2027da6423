/**
 * Runyard inside a Node program: the server in this process, the runner beside it as a process of its own, which outlives
 * a killed program with the jobs that it runs. `import { createRunyard } from 'runyard'`.
 */
import { createApiClient, type ApiClient } from '../api/client.ts'
import { openInstance } from '../cli/instance/open-instance.ts'
import { settingsMark } from '../cli/instance/settings-mark.ts'
import { superviseRunner } from '../cli/instance/supervise-runner.ts'
import { webRoot } from '../cli/package-root.ts'
import { version } from '../cli/version.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import { startServer } from '../server/server.ts'
import { configFor, type RunyardOptions } from './options.ts'
import { runHandle, type RunHandle } from './run-handle.ts'

export interface ScheduleOptions {
  variables?: Record<string, unknown>
  queuePartition?: string
  /** The same key gives the same run for 24 hours. */
  idempotencyKey?: string
  /** Aborted, it cancels the run; aborted before, nothing is started. */
  signal?: AbortSignal
}

export interface StopOptions {
  /**
   * What becomes of runs: `leave` (default) them to the next start, which goes on with them; `wait` until those that run
   * have ended, and cancel those that wait; `cancel` all of them.
   */
  runs?: 'leave' | 'wait' | 'cancel'
}

export interface Runyard extends AsyncDisposable {
  /** e.g. `http://127.0.0.1:41234`: REST, WebSocket and dashboard. */
  readonly url: string
  /** The listener with prunner's routes. */
  readonly prunnerUrl: string | undefined
  /** Everything else, as an administrator. */
  readonly client: ApiClient
  /** Starts a run of a pipeline, at once or on its waiting list. */
  schedule(pipeline: string, options?: ScheduleOptions): Promise<RunHandle>
  /** New work is refused at once; resolves when nothing of it is left in this process. */
  stop(options?: StopOptions): Promise<void>
}

/** Throws AppError: wrong settings, or a data directory that another Runyard uses. */
export async function createRunyard(options: RunyardOptions): Promise<Runyard> {
  const config = configFor(options)
  const instance = await openInstance(config, {
    ephemeral: false,
    onRunnerWanted() {},
    onAbandoned() {},
    onLastClientGone() {},
    onStopAsked() {},
  })
  const runner = options.runner === false ? undefined : startRunner(config, instance.id, options)
  const server = await startServer(config, { version, webRoot, hostAuthenticate: options.authenticate }).catch(
    async (error: unknown) => {
      await runner?.stop(true)
      await instance.close()
      throw error
    },
  )
  instance.ready(server.url)
  const client = createApiClient({ baseUrl: server.url, token: server.localToken })
  const over = new AbortController()
  let stopped: Promise<void> | undefined

  const stop = async ({ runs = 'leave' }: StopOptions): Promise<void> => {
    await server.endRuns(runs, over.signal)
    over.abort(new AppError('unavailable', 'this Runyard was stopped'))
    await instance.closeDoor()
    await runner?.stop(runs !== 'wait')
    await server.stop()
    await instance.close()
  }
  return {
    url: server.url,
    prunnerUrl: server.prunnerUrl,
    client,
    async schedule(pipeline, { variables = {}, queuePartition, idempotencyKey, signal } = {}) {
      signal?.throwIfAborted()
      if (stopped) throw new AppError('unavailable', 'this Runyard is being stopped, or was')
      const run = await client.calls.pipelines.start(
        { name: pipeline, variables: variables as never, ...(queuePartition && { queue_partition: queuePartition }) },
        { context: { idempotencyKey: idempotencyKey ?? crypto.randomUUID() } },
      )
      const handle = runHandle(client, run, over.signal)
      if (signal) cancelOnAbort(handle, signal)
      return handle
    },
    stop: (how = {}) => (stopped ??= stop(how)),
    [Symbol.asyncDispose]: () => (stopped ??= stop({})),
  }
}

function cancelOnAbort(handle: RunHandle, signal: AbortSignal): void {
  const cancel = (): void => {
    // It may have ended in the meantime, or we are being stopped: either way there is nothing left to cancel.
    handle.cancel('its AbortSignal was aborted').catch(() => {})
  }
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
}

function startRunner(config: Config, instanceId: string, { settings = {} }: RunyardOptions) {
  const { PATH, HOME, LANG, TMPDIR } = process.env
  const pipelines = config.pipelines.length > 0 && { RUNYARD_PIPELINES: config.pipelines.join(',') }
  return superviseRunner({
    instanceId,
    dataDir: config.dataDir,
    args: [
      ...['--data-dir', config.dataDir, '--run-dir', config.runDir],
      ...['--slots', String(config.runnerSlots), '--log-level', config.logLevel],
    ],
    // The application's own environment holds its secrets; the runner gets what it was given on purpose.
    env: { PATH, HOME, LANG, TMPDIR, ...settings, ...pipelines },
    settings: settingsMark(config),
    drainMs: config.drainSeconds * 1000,
  })
}
