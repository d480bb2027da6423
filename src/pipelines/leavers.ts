/** Open runs of accounts that are gone: nobody is left to want them. Their jobs are cancelled with the account. */
import type { Db } from '../db/pool.ts'
import { isAppError } from '../lib/app-error.ts'
import { inTransaction } from '../queue/statements.ts'
import { cancelPipelineRun } from './cancel-run.ts'
import type { PipelineHooks } from './run.ts'

export async function stopRunsOfLeavers(db: Db, hooks: PipelineHooks): Promise<void> {
  const { rows } = await db.query<{ key: string }>({
    name: 'pipelines_of_leavers',
    text: `select r.id as key from pipeline_runs pr join runs r on r.id = pr.run_id join users u on u.id = r.owner_id
      where pr.state <> 'ended' and u.deleted_at is not null and r.cancel_requested_at is null order by r.id`,
  })
  for (const { key } of rows) {
    await inTransaction(db, (tx) => cancelPipelineRun(tx, hooks, key, 'the account was deleted')).catch((error) => {
      // It has ended meanwhile.
      if (!isAppError(error) || error.code !== 'conflict') throw error
    })
  }
}
