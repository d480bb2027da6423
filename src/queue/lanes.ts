/** Lanes: what is alike for a claim waits together (decision 1). */
import type { Queryable } from '../db/pool.ts'
import { labelsOfInputs } from '../job/inputs.ts'
import { labelList } from '../job/labels.ts'
import { AppError } from '../lib/app-error.ts'
import { placementRules } from './placement.ts'
import type { NewJob } from './types.ts'

const wanted = `jsonb_to_recordset($1::jsonb)
  as w(nr int, queue text, owner_id bigint, executor text, labels jsonb, cpu_millis int, memory_mib int,
  placement jsonb)`
const labelArray = 'array(select jsonb_array_elements_text(w.labels))'

// The key share holds the lane until the job that refers to it is committed: upkeep deletes lanes without jobs.
const findLanes = `select w.nr, l.id from ${wanted}
  join queues q on q.name = w.queue
  join lanes l on l.queue_id = q.id and l.owner_id = w.owner_id and l.executor = w.executor
    and l.required_labels = ${labelArray} and l.cpu_millis = w.cpu_millis and l.memory_mib = w.memory_mib
    and l.placement = w.placement
  order by l.id for key share of l`
const makeLanes = `insert into lanes (queue_id, owner_id, executor, required_labels, cpu_millis, memory_mib, placement)
  select q.id, w.owner_id, w.executor, ${labelArray}, w.cpu_millis, w.memory_mib, w.placement from ${wanted}
  join queues q on q.name = w.queue
  order by 1, 2, 3, 4, 5, 6, 7 on conflict do nothing`

/** The lane of each job, made when there is none. Asks at once, so that the question travels with the caller's others. */
export async function lanesFor(tx: Queryable, ownerId: string, jobs: NewJob[]): Promise<string[]> {
  const numbers = new Map<string, number>()
  const lanes: object[] = []
  const laneOf = jobs.map((job) => {
    const lane = {
      queue: job.spec.queue,
      owner_id: ownerId,
      executor: job.spec.executor,
      labels: labelList({ ...job.spec.required_labels, ...labelsOfInputs(job.spec.inputs) }),
      cpu_millis: job.laneCpuMillis,
      memory_mib: job.laneMemoryMib,
      placement: placementRules(job.spec),
    }
    const key = JSON.stringify(lane)
    let nr = numbers.get(key)
    if (nr === undefined) numbers.set(key, (nr = lanes.push({ nr: lanes.length, ...lane }) - 1))
    return nr
  })
  const parameter = JSON.stringify(lanes)
  // A second look after making what was missing; a third when upkeep deleted one in between.
  for (let look = 0; look < 3; look++) {
    const { rows } = await tx.query<{ nr: number; id: string }>({
      name: 'queue_lanes_find',
      text: findLanes,
      values: [parameter],
    })
    if (rows.length === lanes.length) {
      const ids = new Map(rows.map((row) => [row.nr, row.id]))
      return laneOf.map((nr) => ids.get(nr)!)
    }
    await tx.query({ name: 'queue_lanes_make', text: makeLanes, values: [parameter] })
  }
  throw new AppError('unavailable', 'the queue is being tidied; try again', { retryAfterSeconds: 1 })
}
