/** Brings the schedules of a pipeline in line with those that its definition declares. */
import type { Queryable } from '../db/pool.ts'
import type { PipelineDefinition } from '../job/pipeline.ts'
import { emitFact } from '../lib/facts.ts'
import { saveSchedule } from './store.ts'

/** In the transaction that puts the definition in force, with the pipeline's row locked. */
export async function schedulesChanged(
  tx: Queryable,
  pipelineId: string,
  { schedules }: Pick<PipelineDefinition, 'schedules'>,
): Promise<void> {
  await tx.query(`delete from schedules where pipeline_id = $1 and source = 'file' and name <> all($2::text[])`, [
    pipelineId,
    schedules.map(({ name }) => name),
  ])
  if (schedules.length === 0) return
  const ownerId = await ownerOf(tx, pipelineId)
  if (ownerId === null) {
    emitFact({ name: 'schedule.without_owner', level: 'error', pipeline: pipelineId })
    return
  }
  const { rows } = await tx.query<{ name: string; enabled: boolean; fileEnabled: boolean | null }>(
    `select name, enabled, file_enabled as "fileEnabled" from schedules where pipeline_id = $1`,
    [pipelineId],
  )
  for (const { name, ...schedule } of schedules) {
    const before = rows.find((row) => row.name === name)
    // Somebody paused or resumed it: that holds until the file says something else than before.
    const enabled = before?.fileEnabled === schedule.enabled ? before.enabled : schedule.enabled
    await saveSchedule(tx, {
      ...schedule,
      ...{ target: { pipelineId }, input: null, name, ownerId, enabled, source: 'file', fileEnabled: schedule.enabled },
    })
  }
}

/** Of a stored pipeline whoever stored it; a file is the administrator's, so its schedules are the first one's. */
async function ownerOf(tx: Queryable, pipelineId: string): Promise<string | null> {
  const { rows } = await tx.query<{ id: string | null }>(
    `select coalesce(owner_id, (
       select id from users where role = 'admin' and deleted_at is null and disabled_at is null order by id limit 1
     )) as id from pipelines where id = $1`,
    [pipelineId],
  )
  return rows[0]?.id ?? null
}
