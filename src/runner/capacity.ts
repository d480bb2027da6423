/**
 * What this runner can still take: slots for everybody, CPU and memory for those jobs that ask for it by name. Messages
 * have room of their own and take none of that.
 */
import { messagesAtOnce } from '../job/message.ts'
import type { StoredSpec } from '../job/spec.ts'
import { nothingHeld, type HoldBack } from './load/hold-back.ts'

export interface Reservation {
  /** Null for a message. */
  slot: number | null
  cpuMillis: number
  memoryMib: number
}

export interface Room {
  slots: number
  messages: number
  cpuMillis: number
  memoryMib: number
}

export interface Capacity {
  free(): Room
  /** The lowest free slot, or the one an earlier process gave; null when all are taken. */
  reserve(spec: Pick<StoredSpec, 'limits'> & { executor?: string }, slot?: number): Reservation | null
  release(reservation: Reservation): void
  /** MiB that jobs hold which asked for memory by name. */
  reservedMib(): number
}

export interface Whole {
  slots: number
  cpuMillis: number
  memoryMib: number
  executors?: readonly string[]
}

/** `held`: kept back for what its host does beside the jobs. */
export function createCapacity(whole: Whole, held: () => HoldBack = () => nothingHeld): Capacity {
  const messageRoom = whole.executors?.includes('message') ? messagesAtOnce : 0
  const taken = new Map<number, Reservation>()
  const messages = new Set<Reservation>()
  let cpuMillis = 0
  let memoryMib = 0
  const lowestFree = () => {
    let slot = 0
    while (taken.has(slot)) slot++
    return slot
  }
  return {
    free() {
      const { slots, cpuMillis: cpuHeld, memoryMib: room } = held()
      const memoryLeft = whole.memoryMib - memoryMib
      const small = {
        cpuMillis: whole.cpuMillis - cpuHeld - cpuMillis,
        memoryMib: Math.min(memoryLeft, room ?? Infinity),
      }
      // Idle it takes one job, whatever that asks for: what waits for this runner must not wait for ever.
      const alone = taken.size === 0 && (slots > 0 || small.memoryMib < memoryLeft)
      const { cpuMillis: cpuLeft, memoryMib: memory } = alone ? whole : small
      return {
        slots: alone ? Math.min(1, whole.slots) : Math.max(0, whole.slots - slots - taken.size),
        messages: Math.max(0, messageRoom - messages.size),
        cpuMillis: Math.max(0, cpuLeft),
        memoryMib: Math.max(0, memory),
      }
    },
    reservedMib: () => memoryMib,
    reserve(spec, slot = lowestFree()) {
      if (spec.executor === 'message') {
        const message = { slot: null, cpuMillis: 0, memoryMib: 0 }
        messages.add(message)
        return message
      }
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
      messages.delete(reservation)
      if (reservation.slot === null || taken.get(reservation.slot) !== reservation) return
      taken.delete(reservation.slot)
      cpuMillis -= reservation.cpuMillis
      memoryMib -= reservation.memoryMib
    },
  }
}
