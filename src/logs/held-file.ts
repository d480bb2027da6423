/** A file that is written at full speed stays open between two writes: opening and closing cost as much as a write. */
import type { FileHandle } from 'node:fs/promises'

export interface HeldFile {
  /** One at a time. `hold`: another write will follow soon. */
  use(hold: boolean, work: (file: FileHandle) => Promise<void>): Promise<void>
  /** Between two uses. */
  close(): void
}

const idleMs = 1_000
/** Of all logs: descriptors are few. */
const mostHeld = 64
let held = 0

export function createHeldFile(open: () => Promise<FileHandle>): HeldFile {
  let kept: FileHandle | undefined
  let idle: NodeJS.Timeout | undefined

  const close = (): void => {
    clearTimeout(idle)
    if (kept === undefined) return
    held -= 1
    void kept.close().catch(() => {})
    kept = undefined
  }

  return {
    async use(hold, work) {
      clearTimeout(idle)
      const file = kept ?? (await open())
      if (kept === undefined && hold && held < mostHeld) {
        kept = file
        held += 1
      }
      try {
        await work(file)
      } catch (error) {
        if (file === kept) close()
        else await file.close()
        throw error
      }
      if (file !== kept) await file.close()
      else idle = setTimeout(close, idleMs).unref()
    },
    close,
  }
}
