/**
 * Whether the disks that this server writes to have room for what new jobs would bring. Without room nothing new is
 * leased (docs/decisions/009): what runs needs the rest to come to its end.
 */
import { emitFact } from '../lib/facts.ts'
import { diskIsFull } from '../lib/disk-room.ts'

export interface DiskWatch {
  /** One look serves everybody for a second. */
  hasRoom(): Promise<boolean>
}

const rememberMs = 1000

export function watchDisks(dirs: readonly string[]): DiskWatch {
  let looked: Promise<string | undefined> | undefined
  let lookedAt = -Infinity
  let full: string | undefined

  const look = async (): Promise<string | undefined> => {
    let found: string | undefined
    for (const dir of dirs) {
      // One that is not there yet is no reason to stand still.
      if (await diskIsFull(dir).catch(() => false)) found ??= dir
    }
    if (found !== undefined && full === undefined) emitFact({ name: 'disk.full', level: 'warn', dir: found })
    if (found === undefined && full !== undefined) emitFact({ name: 'disk.has_room', dir: full })
    return (full = found)
  }

  return {
    async hasRoom() {
      if (looked === undefined || performance.now() - lookedAt > rememberMs) {
        lookedAt = performance.now()
        looked = look()
      }
      return (await looked) === undefined
    },
  }
}
