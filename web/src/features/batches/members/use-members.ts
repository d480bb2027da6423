import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { api } from '../../../lib/api.ts'
import { live } from '../../../lib/live-page.ts'
import { MemberStore, type MemberSnapshot } from './member-store.ts'

/** The most that the server gives in one answer. */
const pageSize = 200

export function useMembers(batchId: string): MemberSnapshot & { retry: () => void } {
  const store = useMemo(
    () =>
      new MemberStore({
        batchId,
        live,
        readPage: (cursor, failedOnly) =>
          api.jobs.list({ batch_id: batchId, limit: pageSize, cursor, status: failedOnly ? 'failed' : undefined }),
      }),
    [batchId],
  )
  useEffect(() => {
    store.start()
    return () => store.stop()
  }, [store])
  const snapshot = useSyncExternalStore(store.watch, store.snapshot)
  return { ...snapshot, retry: store.read }
}
