/**
 * Writes down how long the logs are of attempts that were over before their log was sealed: a lost runner, a drain, a
 * server that died in between. Each server does it for the logs that it has; sealing again is harmless, so a crash
 * anywhere in here is repaired by the next pass.
 */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import type { LogStore, SealedLog } from '../logs/log-store.ts'
import { attemptsUnsized, recordLogSizes } from '../queue/log-sizes.ts'
import { attemptKey } from '../queue/types.ts'
import type { LogKeeper } from './log-keeper.ts'

const batch = 200
const empty: SealedLog = { length: 0, stdout_bytes: 0, stderr_bytes: 0, truncated_bytes: 0 }

/** `settledSeconds`: an attempt that was over for so long gets no more output. */
export function logSizer(db: Db, logs: LogStore, keeper: LogKeeper, settledSeconds = 60): Service {
  const { server, shared } = keeper.here
  return {
    name: 'logs.size',
    every: 30_000,
    async runOnce() {
      for (let more = true; more;) {
        const attempts = await attemptsUnsized(db, server, { seconds: settledSeconds }, batch)
        const sizes: Parameters<typeof recordLogSizes>[1] = []
        for (const { nowhere, ...attempt } of attempts) {
          const key = attemptKey(attempt)
          // Nobody ever had a byte of it; here it may be of the time when nobody was written down.
          const none = nowhere && (await logs.size(key, 'all')) === 0
          sizes.push({ attempt, log: none ? empty : await keeper.seal(key), shared: shared && !none })
        }
        await recordLogSizes(db, sizes)
        for (const { attempt } of sizes) keeper.settled(attemptKey(attempt))
        if (sizes.length > 0) emitFact({ name: 'logs.sized_late', level: 'debug', count: sizes.length })
        more = attempts.length === batch
      }
    },
  }
}
