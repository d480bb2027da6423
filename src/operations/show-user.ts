import type { User } from '../access/users.ts'
import type { Usage } from '../queue/totals.ts'
import type { Deps } from './deps.ts'

export const showUser = (user: User, usage: Usage, { config }: Deps) => ({
  username: user.username,
  role: user.role,
  max_running: user.maxRunning,
  disabled: user.disabledAt !== null,
  locked_until: user.lockedUntil?.toISOString() ?? null,
  last_seen_at: user.lastSeenAt?.toISOString() ?? null,
  created_at: user.createdAt.toISOString(),
  usage: {
    open_jobs: usage.openJobs,
    kept_jobs: usage.keptJobs,
    log_bytes: usage.logBytes,
    retain_count: config.retainUserCount,
    retain_bytes: config.retainUserBytes,
  },
})
