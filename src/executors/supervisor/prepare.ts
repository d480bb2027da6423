/** A checked order in its slot → its limits set, its place made, its state on disk, and what the starter is to do. */
import type { AttemptOrder } from '../executor.ts'
import type { Launch } from '../launcher/starter.ts'
import type { Ground } from '../sandbox/ground.ts'
import { afterCgroup } from '../sandbox/limits.ts'
import { ensureHome, homeOf, markerOf } from '../sandbox/unisolated.ts'
import type { Checked } from './check.ts'
import type { Host } from './host.ts'
import { launchOf, type Placed } from './launch-of.ts'
import { wrappingOf } from './picking-up.ts'
import type { Slot } from './slots.ts'
import { recordFileOf, reportFileOf, type StateFile } from './state-file.ts'

export interface Preparation {
  order: AttemptOrder
  attemptsDir: string
  host: Host
  at: Ground
  checked: Checked
  slot: Slot
}

export interface Ready extends Placed {
  startedAt: number
  unenforced: string[]
  recordFile: string
  reportFile: string
  state: StateFile
  launch: Launch
}

export function prepare({ order, attemptsDir, host, at, checked, slot }: Preparation): Ready {
  const unenforced = afterCgroup(checked.plan, slot.cgroup.begin(checked.plan.cgroup), order.named)
  const wrapping = wrappingOf(order)
  const place = order.spec.isolation === 'none' ? placeUnisolated(order, host.tag, checked, slot) : {}
  const placed = { ...place, wrapping }
  const startedAt = Date.now()
  const state = host.stateFiles(attemptsDir).take({
    version: 1,
    key: order.key,
    note: order.note,
    boot_id: host.boot,
    started_at: startedAt,
    cgroups: slot.cgroup.dirs,
    unenforced,
    ...place,
  })
  try {
    const launch = launchOf(order, checked, at, slot, placed)
    const [recordFile, reportFile] = [recordFileOf(attemptsDir, order.key), reportFileOf(attemptsDir, order.key)]
    return { ...placed, startedAt, unenforced, recordFile, reportFile, state, launch }
  } catch (error) {
    state.free()
    throw error
  }
}

function placeUnisolated(
  { key }: AttemptOrder,
  tag: string,
  { identity }: Checked,
  slot: Slot,
): Pick<Placed, 'home' | 'marker'> {
  slot.home = homeOf(tag, slot.name)
  ensureHome(slot.home, identity)
  return { home: slot.home, marker: markerOf(tag, key) }
}
