/** The users of a chaos run: they submit, try again with the same key until they are answered, cancel, and note it all. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from './history.ts'
import type { Operation } from './load.ts'

export interface ClientOptions {
  /** The server to ask first, and whom to turn to when it does not answer. */
  urls: string[]
  token: string
  /** Of somebody who may only look. */
  viewerToken?: string
  history: History
  /** Of each submit of all users the id that it made; nothing where it was refused or left open. */
  made: Made
  /** Aborted: nobody tries again any more. */
  signal: AbortSignal
}

export type Made = Map<string, PromiseWithResolvers<string | undefined>>

type Answer = { ok: true; body: unknown } | { ok: false; final: boolean; why: string }

const idsOf = (body: unknown): string[] => {
  const { id, ids } = body as { id?: string; ids?: string[] }
  return ids ?? (id === undefined ? [] : [id])
}

export interface Client {
  /** Resolves when every operation has its answer, or the run is over. */
  run(operations: Operation[]): Promise<void>
}

export function clientOf({ urls, token, viewerToken, history, made, signal }: ClientOptions): Client {
  let turn = 0
  const post = async (path: string, body: unknown, key?: string, as = token): Promise<Answer> => {
    const url = urls[turn % urls.length]
    try {
      const response = await fetch(`${url}/api/v1${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${as}`,
          'content-type': 'application/json',
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      })
      const text = await response.text()
      if (response.ok) return { ok: true, body: JSON.parse(text) }
      // A server error says nothing about what was committed before it, and another one may do better.
      if (response.status >= 500) turn++
      return { ok: false, final: response.status < 500, why: `${response.status} ${text.slice(0, 200)}` }
    } catch (error) {
      turn++
      return { ok: false, final: false, why: String((error as Error).cause ?? error) }
    }
  }
  const pause = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal }).catch(() => {})

  const note = (operations: Operation[], answer: Answer): void => {
    const t = Date.now()
    operations.forEach(({ tag }, i) => {
      if (answer.ok) history.add({ t, op: 'submit', tag, answer: 'acknowledged', id: idsOf(answer.body)[i] ?? '' })
      else history.add({ t, op: 'submit', tag, answer: answer.final ? 'failed' : 'indeterminate', why: answer.why })
    })
  }

  const submit = async (operations: Operation[], dependsOn: string[]): Promise<Map<string, string>> => {
    const [first] = operations as [Operation]
    const many = operations.length > 1
    const key = first.keyed ? randomUUID() : undefined
    const alone = dependsOn.length > 0 ? { ...first.spec, depends_on: dependsOn } : first.spec
    const body = many ? { jobs: operations.map(({ spec }) => spec) } : alone
    const once = (): Promise<Answer> => post(many ? '/jobs/bulk' : '/jobs', body, key, first.forbidden && viewerToken)
    while (!signal.aborted) {
      // Two at once with one key: whichever answers, it is one job.
      const [answer, twin] = await Promise.all([once(), first.twice && key !== undefined ? once() : undefined])
      if (twin !== undefined) note(operations, twin)
      note(operations, answer)
      if (answer.ok) return new Map(operations.map(({ tag }, i) => [tag, idsOf(answer.body)[i] ?? '']))
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
    const dependsOn: string[] = []
    for (const tag of operations[0]!.after ?? []) {
      const id = await made.get(tag)?.promise
      if (id !== undefined) dependsOn.push(id)
    }
    const ids = await submit(operations, dependsOn)
    for (const { tag } of operations) made.get(tag)?.resolve(ids.get(tag))
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
      for (const { tag } of operations) made.set(tag, Promise.withResolvers())
      const calls = Map.groupBy(operations, (operation) => operation.batch ?? operation.tag)
      await Promise.all([...calls.values()].map((group) => perform(group, startedAt)))
    },
  }
}
