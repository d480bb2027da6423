/**
 * What a pipeline adds to its tasks: 40 light ones and 10 heavy ones, in a chain and in a fan, sandboxed and without
 * isolation, beside the same lines by a bare bash in the same run. And how long a graph of 10,000 tasks is planned.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../../e2e/system.ts'
import type { TaskState } from '../../src/job/pipeline.ts'
import { planRun } from '../../src/pipelines/plan.ts'
import { graphOf } from '../../src/pipelines/run-graph.ts'
import { definitionOf } from '../../src/pipelines/testing/definitions.ts'
import { withSystem } from '../benched-system.ts'
import { percentile, shell, timed, type Figure } from '../figures.ts'

const rounds = 5
const heavyLine = 'for ((i = 0; i < 60000; i++)); do :; done'
const shapes = [
  { name: 'light', tasks: 40, line: 'true' },
  { name: 'heavy', tasks: 10, line: heavyLine },
] as const

export const pipelines = async (): Promise<Figure[]> => [
  ...(await withSystem(async (system) => {
    const figures: Figure[] = []
    for (const isolation of ['none', 'full'] as const) {
      for (const shape of shapes) {
        for (const way of ['chain', 'fan'] as const)
          figures.push(...(await measure(system, { ...shape, way, isolation })))
      }
    }
    return figures
  })),
  await planning(),
]

interface Shape {
  name: string
  tasks: number
  line: string
  way: 'chain' | 'fan'
  isolation: 'none' | 'full'
}

async function measure(system: System, shape: Shape): Promise<Figure[]> {
  const { tasks, line, way, isolation } = shape
  const name = `bench-${shape.name}-${way}-${isolation}`
  await system.api.calls.pipelines.put({ name, source: sourceOf(name, shape) } as never)
  const taken: number[] = []
  for (let i = 0; i <= rounds; i++) {
    const ms = await runOnce(system, name)
    // The first one makes lanes and reads the definition.
    if (i > 0) taken.push(ms)
  }
  const together = way === 'fan' ? ' & done; wait' : '; done'
  const bare = (await shell(`for n in $(seq ${tasks}); do bash -c '${line}'${together}`)) * 1000
  const median = percentile(taken, 0.5)
  const what = `${tasks} ${shape.name} tasks in a ${way}, isolation ${isolation}`
  return [
    { name: what, value: median, unit: 'ms', control: { name: 'bare bash', value: bare } },
    { name: '  overhead for each task', value: (median - bare) / tasks, unit: 'ms' },
  ]
}

function sourceOf(name: string, { tasks, line, way, isolation }: Shape): string {
  const task = (n: number): string =>
    `      t${n}:\n        script: ["${line}"]\n${way === 'chain' && n > 0 ? `        depends_on: [t${n - 1}]\n` : ''}`
  const all = Array.from({ length: tasks }, (_, n) => task(n)).join('')
  return `pipelines:\n  ${name}:\n    isolation: ${isolation}\n    tasks:\n${all}`
}

/** By the server's clock, from the start to the end, ms. */
async function runOnce(system: System, name: string): Promise<number> {
  const { pipelineRuns, pipelines: all } = system.api.calls
  const { id } = await all.start({ name } as never)
  for (;;) {
    await sleep(100)
    const run = await pipelineRuns.get({ id })
    if (run.status !== 'running' && run.status !== 'waiting') {
      if (run.status !== 'succeeded') throw new Error(`the run ended as ${run.status}: ${run.last_error}`)
      return Date.parse(run.ended_at!) - Date.parse(run.created_at)
    }
  }
}

async function planning(): Promise<Figure> {
  const tasks = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [
      `t${i}`,
      { depends_on: [1, 8, 15, 22].flatMap((back) => (i < back ? [] : [`t${i - back}`])) },
    ]),
  )
  const definition = definitionOf({ tasks })
  const now = new Date()
  const facts = { now, admittedAt: now, cancelRequested: false, lastError: null }
  const seconds = await timed(async () => {
    const graph = graphOf(definition)
    const states = graph.tasks.map((_, i): TaskState => (i < 5000 ? 'done' : 'waiting'))
    planRun(graph, facts, { states, instances: new Map(), active: [] }, 500)
  })
  return { name: 'a graph of 10,000 tasks read and planned once', value: seconds * 1000, unit: 'ms' }
}
