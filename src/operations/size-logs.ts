/**
 * Writes down how long the logs are of attempts that were over before their log was sealed: a lost runner, a drain, a
 * server that died in between. Sealing again is harmless, so a crash anywhere in here is repaired by the next pass.
 */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import type { LogStore, SealedLog } from '../logs/log-store.ts'
import { attemptsUnsized, recordLogSizes } from '../queue/log-sizes.ts'
import type { AttemptName } from '../queue/prune.ts'
import { attemptKey } from '../queue/types.ts'

const batch = 200

/** `settledSeconds`: an attempt that was over for so long gets no more output. */
export function logSizer(db: Db, logs: LogStore, settledSeconds = 60): Service {
  return {
    name: 'logs.size',
    every: 30_000,
    async runOnce() {
      for (let more = true; more;) {
        const attempts = await attemptsUnsized(db, { seconds: settledSeconds }, batch)
        const sizes: { attempt: AttemptName; log: SealedLog }[] = []
        for (const attempt of attempts) sizes.push({ attempt, log: await logs.seal(attemptKey(attempt)) })
        await recordLogSizes(db, sizes)
        if (sizes.length > 0) emitFact({ name: 'logs.sized_late', level: 'debug', count: sizes.length })
        more = attempts.length === batch
      }
    },
  }
}
