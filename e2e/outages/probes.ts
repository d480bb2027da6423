/** Asks every kind of route, over and over, and keeps what came back. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Rig } from './rig.ts'

export interface Answer {
  route: string
  /** 0: no answer at all. */
  status: number
  retryAfter: number
  ms: number
  title: string
}

/** `endedJob` is one that nothing can change any more. */
const routes = (endedJob: string): [string, string, unknown?][] => [
  ['POST', '/jobs', { command: ['true'], name: 'probe' }],
  ['POST', '/jobs/bulk', { jobs: [{ command: ['true'], name: 'probe' }] }],
  ['POST', `/jobs/${endedJob}/cancel`, {}],
  ['POST', `/jobs/${endedJob}/rerun`, {}],
  ['DELETE', `/jobs/${endedJob}`],
  ['PUT', '/queues/probe', { concurrency: 1 }],
  ['POST', '/tokens', { name: `probe-${randomUUID()}` }],
  ['GET', '/jobs'],
  ['GET', '/jobs/stats'],
  ['GET', `/jobs/${endedJob}`],
  ['GET', `/jobs/${endedJob}/logs`],
  ['GET', '/queues'],
  ['GET', '/runners'],
  ['GET', '/me'],
]

export async function askAll(rig: Rig, endedJob: string): Promise<Answer[]> {
  return Promise.all(routes(endedJob).map(([method, path, body]) => ask(rig, method, path, body)))
}

export async function ask(rig: Rig, method: string, path: string, body?: unknown): Promise<Answer> {
  const { url, token } = rig.system
  const begun = performance.now()
  const answered = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  }).catch(() => undefined)
  const text = (await answered?.text().catch(() => '')) ?? ''
  return {
    route: `${method} ${path}`,
    status: answered?.status ?? 0,
    retryAfter: Number(answered?.headers.get('retry-after') ?? 0),
    ms: performance.now() - begun,
    title: /"title":"(\w+)"/.exec(text)?.[1] ?? '',
  }
}

/** The promise for the time without a database. */
export function assertRefused(answers: Answer[]): void {
  for (const answer of answers) {
    assert.deepEqual([answer.status, answer.title], [503, 'unavailable'], JSON.stringify(answer))
    assert(answer.retryAfter > 0, `no Retry-After: ${JSON.stringify(answer)}`)
    assert(answer.ms < 5_000, `later than 5 s: ${JSON.stringify(answer)}`)
  }
}

/** The process answers by itself all the time: its event loop never stands still. Returns the longest wait. */
export function watchHealth(rig: Rig): () => Promise<number> {
  let over = false
  let longest = 0
  const loop = (async () => {
    while (!over) {
      const { status, ms } = await ask(rig, 'GET', '/health')
      assert.equal(status, 200, 'the server does not answer')
      longest = Math.max(longest, ms)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  loop.catch(() => {})
  return async () => {
    over = true
    await loop
    return longest
  }
}

export interface Submitter {
  /** Sends again what got no answer, and checks that every key has exactly one job. Returns how many. */
  settle(): Promise<number>
}

/** Submits all the time, each job under a key of its own, as a careful client does. */
export function submitAllTheTime(rig: Rig, everyMs = 50): Submitter {
  const { url, token } = rig.system
  const answered = new Map<string, string>()
  const unanswered = new Set<string>()
  let over = false
  let count = 0
  const send = async (key: string): Promise<void> => {
    const response = await fetch(`${url}/api/v1/jobs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ command: ['true'], name: key }),
      signal: AbortSignal.timeout(20_000),
    }).catch(() => undefined)
    if (response?.status !== 202) return void unanswered.add(key)
    answered.set(key, ((await response.json()) as { id: string }).id)
    unanswered.delete(key)
  }
  const underWay = new Set<Promise<void>>()
  const run = randomUUID().slice(0, 8)
  const loop = (async () => {
    while (!over) {
      const sent = send(`keyed-${run}-${count++}`).finally(() => underWay.delete(sent))
      underWay.add(sent)
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
    await Promise.all(underWay)
  })()
  return {
    async settle() {
      over = true
      await loop
      for (const key of [...unanswered]) {
        for (let tries = 0; unanswered.has(key) && tries < 50; tries++) await send(key)
      }
      assert.equal(unanswered.size, 0, `${unanswered.size} keys never got an answer`)
      const found = new Map<string, string[]>()
      for (let cursor: string | undefined; ;) {
        const page = await rig.system.api.calls.jobs.list({ name: `keyed-${run}-`, limit: 200, cursor } as never)
        const { jobs, next_cursor: next } = page as { jobs: { id: string; name: string }[]; next_cursor: string | null }
        for (const { id, name } of jobs) found.set(name, [...(found.get(name) ?? []), id])
        if (next === null) break
        cursor = next
      }
      for (const [key, id] of answered) assert.deepEqual(found.get(key), [id], `what was promised for ${key}`)
      assert.equal(found.size, count, 'more or fewer jobs than keys')
      return count
    },
  }
}
