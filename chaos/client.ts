/** The users of a chaos run: they submit, try again with the same key until they are answered, cancel, and note it all. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from './history.ts'
import type { Operation } from './load.ts'

export interface ClientOptions {
  url: string
  token: string
  history: History
  /** Aborted: nobody tries again any more. */
  signal: AbortSignal
}

type Answer = { ok: true; body: unknown } | { ok: false; final: boolean; why: string }

export interface Client {
  /** Resolves when every operation has its answer, or the run is over. */
  run(operations: Operation[]): Promise<void>
}

export function clientOf({ url, token, history, signal }: ClientOptions): Client {
  const post = async (path: string, body: unknown, key?: string): Promise<Answer> => {
    try {
      const response = await fetch(`${url}/api/v1${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      })
      const text = await response.text()
      if (response.ok) return { ok: true, body: JSON.parse(text) }
      // A server error says nothing about what was committed before it.
      return { ok: false, final: response.status < 500, why: `${response.status} ${text.slice(0, 200)}` }
    } catch (error) {
      return { ok: false, final: false, why: String((error as Error).cause ?? error) }
    }
  }
  const pause = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal }).catch(() => {})

  const submit = async (operations: Operation[]): Promise<Map<string, string>> => {
    const many = operations.length > 1
    const key = operations[0]!.keyed ? randomUUID() : undefined
    const body = many ? { jobs: operations.map(({ spec }) => spec) } : operations[0]!.spec
    while (!signal.aborted) {
      const answer = await post(many ? '/jobs/bulk' : '/jobs', body, key)
      const t = Date.now()
      if (answer.ok) {
        const given = answer.body as { id: string; ids: string[] }
        const ids = many ? given.ids : [given.id]
        operations.forEach(({ tag }, i) =>
          history.add({ t, op: 'submit', tag, answer: 'acknowledged', id: ids[i] ?? '' }),
        )
        return new Map(operations.map(({ tag }, i) => [tag, ids[i] ?? '']))
      }
      for (const { tag } of operations) {
        history.add({ t, op: 'submit', tag, answer: answer.final ? 'failed' : 'indeterminate', why: answer.why })
      }
      if (answer.final || key === undefined) break
      await pause(300)
    }
    return new Map()
  }

  const cancel = async (tag: string, id: string): Promise<void> => {
    while (!signal.aborted) {
      const answer = await post(`/jobs/${id}/cancel`, {})
      const told = answer.ok ? 'acknowledged' : answer.final ? 'failed' : 'indeterminate'
      history.add({ t: Date.now(), op: 'cancel', tag, answer: told, ...(answer.ok ? {} : { why: answer.why }) })
      if (told !== 'indeterminate') return
      await pause(300)
    }
  }

  const perform = async (operations: Operation[], startedAt: number): Promise<void> => {
    await pause(Math.max(0, operations[0]!.atMs - (performance.now() - startedAt)))
    const ids = await submit(operations)
    await Promise.all(
      operations.map(async ({ tag, cancelAfterMs }) => {
        const id = ids.get(tag)
        if (id === undefined || cancelAfterMs === undefined) return
        await pause(cancelAfterMs)
        await cancel(tag, id)
      }),
    )
  }

  return {
    async run(operations) {
      const startedAt = performance.now()
      const calls = Map.groupBy(operations, (operation) => operation.batch ?? operation.tag)
      await Promise.all([...calls.values()].map((group) => perform(group, startedAt)))
    },
  }
}
