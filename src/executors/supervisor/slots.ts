/**
 * Slots are warm: what every attempt needs and no attempt leaves a trace in (a cgroup, three pipes) is made once and used
 * again, but only when it is proven clean; otherwise it is thrown away and made anew at the next attempt.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CgroupSpace } from '../cgroup/base.ts'
import { createSlotCgroup, type SlotCgroup } from '../cgroup/slot-cgroup.ts'
import { createSlotPipe, type SlotPipe } from './pipe.ts'

const run = promisify(execFile)

export interface Slot {
  index: number
  /** Of its pipes, its home and its first cgroup. */
  name: string
  /** The later ones have names of their own: the kernel may need a moment to let the old one go. */
  cgroupName: string
  cgroup: SlotCgroup
  stdout: SlotPipe
  stderr: SlotPipe
  /** bubblewrap's own report. */
  status: SlotPipe
  /** The path of the pipe through which a sandbox that was built ahead gets its command. */
  order: string
  /** The path of the pipe that takes report files, and the pipe once a job has named some. */
  reportPath: string
  report?: SlotPipe
  /** Of isolation "none", when there was one. */
  home?: string
  busy: boolean
}

export interface Slots {
  /** At once when the slot is warm. Throws when an attempt is in it. */
  take(index: number): Slot | Promise<Slot>
  /** Nothing of its attempt runs any more. Unless `clean`, the slot is not used again; its cgroup may be for once only. */
  giveBack(slot: Slot, clean: boolean, cgroupClean: boolean): void
  /** No attempt is in any of them. */
  isIdle(): boolean
  /** As good as new and without an attempt, lowest first. */
  idle(): Slot[]
  /** Names of the slots that are there. */
  names(): ReadonlySet<string>
  /** Removes those without an attempt. */
  closeIdle(): Promise<void>
}

export interface SlotsOptions {
  space: CgroupSpace
  pipesDir: string
  /** Before a cgroup goes: whoever has its files open closes them. */
  forget(cgroupProcs: string[]): void
}

export function createSlots(options: SlotsOptions): Slots {
  const { space, pipesDir } = options
  const slots = new Map<number, Slot>()
  const taken = new Set<number>()
  const leaving = new Set<Promise<void>>()
  /** Also of those that are being made or removed. */
  const names = new Set<string>()
  let generation = 0

  /** A name that an unkillable attempt still has is not used again. */
  const freeName = (index: number): string => {
    const used = (name: string): boolean =>
      names.has(name) ||
      space.hierarchies.some(({ dir }) => existsSync(join(dir, name))) ||
      existsSync(join(pipesDir, `${name}.stdout`))
    for (let name = `slot-${index}`; ; name = `slot-${index}.${++generation}`) if (!used(name)) return name
  }
  const make = async (index: number): Promise<Slot> => {
    const name = freeName(index)
    names.add(name)
    mkdirSync(pipesDir, { recursive: true, mode: 0o700 })
    const paths = ['stdout', 'stderr', 'status'].map((what) => join(pipesDir, `${name}.${what}`))
    // A job of another uid may reopen /dev/stdout for writing; the directory decides who else may reach them.
    const order = join(pipesDir, `${name}.order`)
    const reportPath = join(pipesDir, `${name}.report`)
    await run('mkfifo', ['-m', '0622', '--', ...paths, order, reportPath])
    const [stdout, stderr, status] = paths.map(createSlotPipe) as [SlotPipe, SlotPipe, SlotPipe]
    const cgroup = createSlotCgroup(space, name)
    return { index, name, cgroupName: name, cgroup, stdout, stderr, status, order, reportPath, busy: true }
  }
  const remove = async (slot: Slot): Promise<void> => {
    if (slots.get(slot.index) === slot) slots.delete(slot.index)
    options.forget(slot.cgroup.procs)
    for (const pipe of [slot.stdout, slot.stderr, slot.status]) {
      pipe.close()
      rmSync(pipe.path, { force: true })
    }
    slot.report?.close()
    for (const path of [slot.order, slot.reportPath]) rmSync(path, { force: true })
    if (slot.home !== undefined) await rm(slot.home, { recursive: true, force: true })
    await slot.cgroup.remove()
    names.delete(slot.cgroupName)
    names.delete(slot.name)
  }
  /** Where the kernel cannot set the counters back (cgroup v2 before Linux 6.12), or something is left in it. */
  const renewCgroup = (slot: Slot): void => {
    const { cgroup: old, cgroupName: oldName } = slot
    slot.cgroupName = freeName(slot.index)
    names.add(slot.cgroupName)
    slot.cgroup = createSlotCgroup(space, slot.cgroupName)
    options.forget(old.procs)
    const going = old.remove().finally(() => {
      leaving.delete(going)
      if (oldName !== slot.name) names.delete(oldName)
    })
    leaving.add(going)
  }
  const leave = (slot: Slot): Promise<void> => {
    const going = remove(slot).finally(() => leaving.delete(going))
    leaving.add(going)
    return going
  }

  return {
    take(index) {
      if (taken.has(index)) throw new Error(`slot ${index} has an attempt in it`)
      taken.add(index)
      const warm = slots.get(index)
      if (warm) {
        warm.busy = true
        return warm
      }
      return make(index).then(
        (slot) => {
          slots.set(index, slot)
          return slot
        },
        (error: unknown) => {
          taken.delete(index)
          throw error
        },
      )
    },
    giveBack(slot, clean, cgroupClean) {
      taken.delete(slot.index)
      slot.busy = false
      if (!clean) void leave(slot)
      else if (!cgroupClean) renewCgroup(slot)
    },
    isIdle: () => taken.size === 0,
    idle: () => [...slots.values()].filter(({ busy }) => !busy).toSorted((a, b) => a.index - b.index),
    names: () => names,
    async closeIdle() {
      for (const slot of [...slots.values()]) if (!slot.busy) void leave(slot)
      await Promise.all(leaving)
      try {
        rmdirSync(pipesDir)
      } catch {
        // A slot is in use, or it was never made.
      }
    },
  }
}
