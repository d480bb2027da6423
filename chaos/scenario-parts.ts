/** What directed runs have in common, and the one in which nothing is hurt. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { secretOf } from './canary.ts'
import type { Expected, Operation, Plan } from './load.ts'
import type { Stand } from './stand.ts'
import type { Trial } from './trial.ts'

export async function startBoth(stand: Stand): Promise<void> {
  stand.server.start()
  await stand.serverReady()
  stand.runner.start()
  await stand.runnerReady()
}

export const begun = (stand: Stand, { tag }: Operation): boolean => {
  const path = join(stand.witness.dir, tag)
  return existsSync(path) && readFileSync(path, 'utf8').includes('start')
}

export function operationOf(
  stand: Stand,
  plan: Plan,
  expected: Expected,
  spec: Record<string, unknown> = {},
): Operation {
  const command = [...stand.witness.command, JSON.stringify(plan)]
  const retry = { backoff_seconds: 0, on: ['lost'] }
  return {
    tag: plan.tag,
    kind: plan.tag,
    expected,
    atMs: 0,
    keyed: true,
    spec: { name: plan.tag, command, binds: stand.witness.binds, retry, ...spec },
  }
}

/** A little of everything that users do, and no fault at all. */
export async function calm({ stand, client }: Trial): Promise<Operation[]> {
  await startBoth(stand)
  const response = await fetch(`${stand.url}/api/v1/queues/narrow`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${stand.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ concurrency: 2 }),
  })
  if (!response.ok) throw new Error(`the narrow queue: ${response.status} ${await response.text()}`)
  const ends: Expected = { by: 'exit', code: 0 }
  const narrow = Array.from({ length: 5 }, (_, nr) =>
    operationOf(stand, { tag: `narrow-${nr}`, ms: 1200 }, ends, { queue: 'narrow' }),
  )
  const operations: Operation[] = [
    ...narrow,
    operationOf(stand, { tag: 'first-0', ms: 1500 }, ends),
    { ...operationOf(stand, { tag: 'after-0', stdout: 100 }, ends), after: ['first-0'] },
    { ...operationOf(stand, { tag: 'twin-0', stdout: 100 }, ends), twice: true },
    { ...operationOf(stand, { tag: 'stubborn-0', ms: 60_000 }, { by: 'cancel' }), cancelAfterMs: 1000 },
    {
      ...operationOf(stand, { tag: 'leaky-0', leak: true }, ends, { secret_env: { TOKEN: secretOf(0) } }),
      leaks: true,
    },
  ]
  await client().run(operations)
  return operations
}
