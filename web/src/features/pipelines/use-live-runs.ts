import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { PipelineRun, PipelineTask } from '../../lib/api.ts'
import { live } from '../../lib/live-page.ts'
import { mergeTasks } from './task-list.ts'

/** Changes are gathered this long before anything renders or is asked. */
const gatherMs = 200

function gather(flush: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    soon: () => {
      timer ??= setTimeout(() => {
        timer = undefined
        flush()
      }, gatherMs)
    },
    stop: () => clearTimeout(timer),
  }
}

/** Keeps the lists of runs up to date, of all pipelines or of one, and the counts in the list of pipelines. */
export function useLiveRuns(pipeline?: string) {
  const client = useQueryClient()
  useEffect(() => {
    let changes = new Map<string, PipelineRun>()
    const { soon, stop } = gather(() => {
      const now = changes
      changes = new Map()
      if (!patchLists(client, now)) void client.invalidateQueries({ queryKey: ['pipeline-runs', 'list'] })
      void client.invalidateQueries({ queryKey: ['pipeline-runs', 'waiting'] })
      void client.invalidateQueries({ queryKey: ['pipelines', 'list'] })
    })
    const unsubscribe = live.subscribe(
      () => ({ topic: 'pipeline_runs', pipeline }),
      (message) => {
        if (message.type === 'pipeline_run') changes.set(message.run.id, message.run as PipelineRun)
        if (['pipeline_run', 'pipeline_run_gone', 'subscribed', 'resync'].includes(message.type)) soon()
      },
    )
    return () => {
      unsubscribe()
      stop()
    }
  }, [client, pipeline])
}

interface RunPage {
  runs: PipelineRun[]
}

/** Whether every change was of a run that is listed with the same status: then no list needs to be read anew. */
function patchLists(client: QueryClient, changes: ReadonlyMap<string, PipelineRun>): boolean {
  const listed = new Set<string>()
  client.setQueriesData<InfiniteData<RunPage>>({ queryKey: ['pipeline-runs', 'list'] }, (data) => {
    if (!data) return data
    const renew = (run: PipelineRun) => {
      const change = changes.get(run.id)
      if (change?.status === run.status) listed.add(run.id)
      return change ?? run
    }
    return { ...data, pages: data.pages.map((page) => ({ ...page, runs: page.runs.map(renew) })) }
  })
  return changes.size > 0 && [...changes.keys()].every((id) => listed.has(id))
}

/** Keeps one run and its tasks up to date. Whether the server tells; until then one has to ask again and again. */
export function useLiveRun(id: string): boolean {
  const client = useQueryClient()
  const [told, setTold] = useState(false)
  useEffect(() => {
    let changed: PipelineTask[] = []
    const tasksKey = ['pipeline-runs', 'tasks', id]
    const { soon, stop } = gather(() => {
      const now = changed
      changed = []
      client.setQueryData<PipelineTask[]>(tasksKey, (tasks) => (tasks ? mergeTasks(tasks, now) : tasks))
    })
    const readAnew = () => {
      void client.invalidateQueries({ queryKey: ['pipeline-runs', 'one', id] })
      void client.invalidateQueries({ queryKey: tasksKey })
    }
    const unsubscribe = live.subscribe(
      () => ({ topic: 'pipeline_run', run_id: id, tasks: true }),
      (message) => {
        if (message.type === 'pipeline_run') {
          client.setQueryData(['pipeline-runs', 'one', id], message.run as PipelineRun)
        } else if (message.type === 'pipeline_tasks') {
          changed.push(...(message.tasks as PipelineTask[]))
          soon()
        } else if (message.type === 'subscribed') setTold(true)
        else if (message.type === 'error') setTold(false)
        if (['subscribed', 'resync', 'pipeline_run_gone'].includes(message.type)) readAnew()
      },
    )
    return () => {
      setTold(false)
      unsubscribe()
      stop()
    }
  }, [client, id])
  return told
}
