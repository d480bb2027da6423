/** Looks at the database again and again while the run goes on, and notes what it saw: nobody may change an end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openFilesOf, runyardCgroupsOf } from './host.ts'
import type { History } from './history.ts'
import type { CapSeen, OpenFiles } from './evidence.ts'
import type { Managed } from './managed.ts'
import type { Grounds } from './stand.ts'

export interface Watcher {
  /** Paths of the cgroups that Runyard's jobs were seen in, and of those above them that are Runyard's. */
  cgroups: Set<string>
  /** Looks for more of them now. */
  learn(): void
  /** How many files each process had open when it had just begun, and has now. */
  openFiles(): OpenFiles[]
  /** The most that was seen at a time of all that has a cap. */
  caps(): CapSeen[]
  /** Jobs by state, as last seen. */
  counts(): Record<string, number>
  stop(): Promise<void>
}

export function watch(stand: Grounds, history: History, everyMs = 250): Watcher {
  const over = new AbortController()
  const cgroups = new Set<string>()
  const states = new Map<string, string>()

  const caps = new Map<string, CapSeen>()
  let jobsSeen = 0

  const look = async (): Promise<void> => {
    const rows = await stand.sql<{ id: string; state: string; open: number }>(
      `select public_id as id, state, (select count(*)::int from attempts a where a.job_id = j.id and a.ended_at is null)
         as open from jobs j`,
    )
    jobsSeen = rows.length
    for (const { id, state, open } of rows) {
      const now = `${state} ${open}`
      if (states.get(id) === now) continue
      states.set(id, now)
      history.add({ t: Date.now(), op: 'seen', id, state, open })
    }
    for (const row of await stand.sql<CapSeen>(heldNow)) {
      const seen = caps.get(`${row.kind} ${row.name}`)
      if (seen === undefined || row.most > seen.most) caps.set(`${row.kind} ${row.name}`, row)
    }
  }
  const files = new Map<string, number>()
  const filesNow = (each: Managed): number | null => {
    const id = each.id()
    return id && openFilesOf(id)
  }
  const learn = (): void => {
    for (const each of stand.processes()) {
      const open = filesNow(each)
      // While it starts it opens more and more.
      if (open !== null && jobsSeen > 0 && !files.has(each.name)) files.set(each.name, open)
    }
    for (const { pid } of stand.jobs()) {
      for (const path of runyardCgroupsOf(pid)) cgroups.add(path)
    }
  }
  const loop = (async () => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      if (turn % 4 === 0) learn()
      await look().catch(() => {}) // the database is down now and then
      await sleep(everyMs, undefined, { signal: over.signal }).catch(() => {})
    }
  })()
  return {
    cgroups,
    learn,
    openFiles: () =>
      stand.processes().flatMap((each) => {
        const [before, after] = [files.get(each.name), filesNow(each)]
        return before === undefined || after === null ? [] : [{ name: each.name, before, after }]
      }),
    caps: () => [...caps.values()],
    counts() {
      const counts: Record<string, number> = {}
      for (const now of states.values()) {
        const state = now.split(' ')[0]!
        counts[state] = (counts[state] ?? 0) + 1
      }
      return counts
    },
    async stop() {
      over.abort()
      await loop
    },
  }
}

/** In one statement, so that it is one moment. */
const heldNow = `
  with held as (
    select j.queue_id, j.owner_id, a.runner_id from attempts a join jobs j on j.id = a.job_id where a.ended_at is null
  )
  select 'queue' as kind, q.name, q.concurrency as cap, count(*)::int as most
    from held join queues q on q.id = held.queue_id where q.concurrency is not null group by q.id
  union all select 'user', u.username, u.max_running, count(*)::int
    from held join users u on u.id = held.owner_id group by u.id
  union all select 'runner', r.name, r.slots, count(*)::int
    from held join runners r on r.id = held.runner_id group by r.id`
