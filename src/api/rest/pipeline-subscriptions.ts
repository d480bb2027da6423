/**
 * The topics of pipeline runs. As with batches, each subscription looks at most every `pauseMs` and tells of what changed
 * since then once, as it is then. One that shows tasks compares all of them with what it last told: a run of 10,000 is
 * looked at less often, so that looking takes a quarter of the time at most.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ShownTask } from '../../operations/show-pipeline-task.ts'
import type { Subscribe, Subscription, Watch } from './subscriptions.ts'

type RunsMessage = Extract<Subscribe, { topic: 'pipeline_runs' }>
type RunMessage = Extract<Subscribe, { topic: 'pipeline_run' }>

const pauseMs = 250
/** Runs that one look takes up. */
const atOnce = 200
/** Beyond so many changed runs a fresh look at the list is cheaper. */
const mostPending = 2_000
/** Tasks of one message. */
const tasksAtOnce = 500

/** Ends the wait of the loop that looks; a call while it looks makes it look again. */
function createAlarm() {
  let rang = true
  let wake = (): void => {}
  return {
    ring() {
      rang = true
      wake()
    },
    async heard(): Promise<void> {
      while (!rang) await new Promise<void>((resolve) => (wake = resolve))
      rang = false
    },
  }
}

export function watchPipelineRuns({ message, ask, operations, outbox, send }: Watch<RunsMessage>): Subscription {
  const { id: sub, pipeline } = message
  const changed = new Set<string>()
  const gone = new Set<string>()
  const alarm = createAlarm()
  const ending = new AbortController()
  let behind = false
  const unwatch = operations.runChanges.watch({
    changed(keys) {
      for (const key of keys) changed.add(key)
      if (changed.size > mostPending || outbox.full()) {
        changed.clear()
        behind = true
      }
      alarm.ring()
    },
    gone(run) {
      if (run.kind !== 'pipeline' || !operations.maySeePipelineRunOf(ask, run.ownerId)) return
      gone.add(run.publicId)
      alarm.ring()
    },
    resync() {
      behind = true
      alarm.ring()
    },
  })

  const look = async (): Promise<void> => {
    if (behind) {
      behind = false
      await send({ type: 'resync', sub })
    }
    const keys = [...changed].slice(0, atOnce)
    for (const key of keys) changed.delete(key)
    const runs = keys.length > 0 ? await operations.showPipelineRuns(ask, keys) : new Map<string, never>()
    for (const run of runs.values()) {
      if (pipeline === undefined || run.pipeline === pipeline) await send({ type: 'pipeline_run', sub, run })
    }
    for (const id of [...gone]) {
      gone.delete(id)
      await send({ type: 'pipeline_run_gone', sub, run_id: id })
    }
    if (changed.size > 0) alarm.ring()
  }

  const run = async (): Promise<void> => {
    await operations.listPipelineRuns(ask, { limit: 1 })
    await send({ type: 'subscribed', sub })
    while (!ending.signal.aborted) {
      await alarm.heard()
      if (ending.signal.aborted) return
      await look()
      await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => {})
    }
  }
  const end = (): void => {
    unwatch()
    ending.abort()
    alarm.ring()
  }
  return { done: run().finally(end), end }
}

export function watchPipelineRun({ message, ask, operations, send }: Watch<RunMessage>): Subscription {
  const { id: sub, run_id: id, tasks: withTasks } = message
  const alarm = createAlarm()
  const ending = new AbortController()
  const told = new Map<string, string>()
  let key: string | undefined
  const unwatch = operations.runChanges.watch({
    changed(keys) {
      if (key === undefined || keys.includes(key)) alarm.ring()
    },
    gone: () => alarm.ring(),
    resync: () => alarm.ring(),
  })

  const run = async (): Promise<void> => {
    const watched = await operations.watchedRun(ask, id)
    key = watched.key
    await send({ type: 'subscribed', sub })
    while (!ending.signal.aborted) {
      await alarm.heard()
      if (ending.signal.aborted) return
      const began = performance.now()
      const seen = await watched.look(withTasks)
      if (seen === null) return void (await send({ type: 'pipeline_run_gone', sub, run_id: watched.publicId }))
      const tasks = seen.tasks.filter((task) => isNews(task, told))
      await send({ type: 'pipeline_run', sub, run: seen.run })
      for (let i = 0; i < tasks.length; i += tasksAtOnce) {
        const part = tasks.slice(i, i + tasksAtOnce)
        await send({ type: 'pipeline_tasks', sub, run_id: watched.publicId, tasks: part })
      }
      const pause = Math.max(pauseMs, 3 * (performance.now() - began))
      await sleep(pause, undefined, { signal: ending.signal }).catch(() => {})
    }
  }
  const end = (): void => {
    unwatch()
    ending.abort()
    alarm.ring()
  }
  return { done: run().finally(end), end }
}

/** The time that a task has taken so far is no news. */
function isNews(task: ShownTask, told: Map<string, string>): boolean {
  const name = `${task.item ?? ''} ${task.name}`
  const text = JSON.stringify({ ...task, duration_ms: task.ended_at === null ? 0 : task.duration_ms })
  if (told.get(name) === text) return false
  told.set(name, text)
  return true
}
