/** What this runner can still take: slots for everybody, CPU and memory for those jobs that ask for it by name. */
import type { StoredSpec } from '../job/spec.ts'

export interface Reservation {
  slot: number
  cpuMillis: number
  memoryMib: number
}

export interface Capacity {
  free(): { slots: number; cpuMillis: number; memoryMib: number }
  /** The lowest free slot, or the one an earlier process gave; null when all are taken. */
  reserve(spec: Pick<StoredSpec, 'limits'>, slot?: number): Reservation | null
  release(reservation: Reservation): void
}

export function createCapacity(whole: { slots: number; cpuMillis: number; memoryMib: number }): Capacity {
  const taken = new Map<number, Reservation>()
  let cpuMillis = 0
  let memoryMib = 0
  const lowestFree = () => {
    let slot = 0
    while (taken.has(slot)) slot++
    return slot
  }
  return {
    free: () => ({
      slots: Math.max(0, whole.slots - taken.size),
      cpuMillis: Math.max(0, whole.cpuMillis - cpuMillis),
      memoryMib: Math.max(0, whole.memoryMib - memoryMib),
    }),
    reserve(spec, slot = lowestFree()) {
      if (taken.has(slot)) return null
      const reservation = {
        slot,
        cpuMillis: Math.ceil((spec.limits?.cpu ?? 0) * 1000),
        memoryMib: Math.ceil((spec.limits?.memory_bytes ?? 0) / 2 ** 20),
      }
      taken.set(slot, reservation)
      cpuMillis += reservation.cpuMillis
      memoryMib += reservation.memoryMib
      return reservation
    },
    release(reservation) {
      if (taken.get(reservation.slot) !== reservation) return
      taken.delete(reservation.slot)
      cpuMillis -= reservation.cpuMillis
      memoryMib -= reservation.memoryMib
    },
  }
}
