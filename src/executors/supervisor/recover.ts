/** What an earlier launcher left: kills what still runs of it, and makes of its files what became of its attempts. */
import { appendFileSync, readdirSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scan } from '../../logs/scan.ts'
import type { CgroupSpace } from '../cgroup/base.ts'
import { removeCgroup } from '../cgroup/remove.ts'
import { killTree } from '../kill-tree.ts'
import type { Begun } from '../launcher/protocol.ts'
import { homePrefix } from '../sandbox/unisolated.ts'
import type { End } from './end.ts'
import { overOnDisk, type Over } from './over.ts'
import { readStateFiles, recordFileOf, removeFreeFiles, reportFileOf, type Found } from './state-file.ts'

export interface Recovered {
  /** Its state file. */
  path: string
  key: string
  note: unknown
  begun: Begun
  over: Over
}

/** Kills everything in this runner's cgroups, whoever put it there, and takes the slots of an earlier launcher down. */
export async function clearSlots(space: CgroupSpace, pipesDir: string, tag: string): Promise<void> {
  const names = new Set(space.hierarchies.flatMap(({ dir }) => namesIn(dir)))
  for (const name of names) {
    const cgroups = space.hierarchies.map(({ dir }) => join(dir, name))
    await killTree({ cgroups, roots: [] })
    await Promise.all(cgroups.map(removeCgroup))
  }
  rmSync(pipesDir, { recursive: true, force: true })
  for (const name of homesIn(tag)) await rm(join(tmpdir(), name), { recursive: true, force: true })
}

/** Names in the temp directory. */
export const homesIn = (tag: string): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(homePrefix(tag)))

export const namesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

/** Before this launcher makes files of its own. */
export async function recover(dir: string, boot: string): Promise<Recovered[]> {
  removeFreeFiles(dir)
  const all: Recovered[] = []
  for (const found of readStateFiles(dir)) {
    const { key, note, started_at: startedAt, unenforced } = found.prepared
    const end = found.end ?? (await lose(found, boot))
    const recordFile = recordFileOf(dir, key)
    const files = { stateFile: found.path, recordFile, reportFile: reportFileOf(dir, key) }
    const over = overOnDisk(files, end, await lengthOf(recordFile))
    all.push({ path: found.path, key, note, begun: { startedAt, unenforced, recordFile }, over })
  }
  return all
}

async function lose({ path, prepared, launched }: Found, boot: string): Promise<End> {
  const { cgroups, marker } = prepared
  const sameBoot = prepared.boot_id === boot
  if (sameBoot) {
    const roots = launched ? [{ pid: launched.pid, startTime: launched.start_time }] : []
    await killTree({ cgroups, roots, marker })
  }
  const end: End = { lost: sameBoot ? 'its launcher process was killed, and it with it' : 'its host was restarted' }
  appendFileSync(path, `\n${JSON.stringify({ end })}\n`)
  return end
}

/** After a crash the file may end in half a record, which is cut off. */
async function lengthOf(path: string): Promise<number> {
  const file = await open(path, 'r+').catch(() => null)
  if (file === null) return 0
  try {
    const { length } = await scan(file)
    await file.truncate(length)
    return length
  } finally {
    await file.close()
  }
}
