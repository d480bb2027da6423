/** Files that a job leaves: as its container's first process writes them into a pipe → frames in a file of this host. */
import { join } from 'node:path'
import type { ArtifactCaps } from '../../job/artifacts.ts'
import { outputLimits } from '../../job/outputs.ts'
import type { AttemptOrder, ReportFound } from '../executor.ts'
import { ReportFile } from '../output/report-file.ts'
import { reportBytes } from '../sandbox/pickup.ts'
import { createSlotPipe } from '../supervisor/pipe.ts'
import { pickUpScript } from './files-script.ts'
import type { Place } from './place.ts'

export interface FilesPipe {
  /** With the container gone: what came. */
  finish(): Promise<ReportFound>
  close(): void
}

/** Names and lengths beside the contents. */
const frameBytes = 1024 * 1024
const frameBytesOfArtifact = 4200
const longestLine = 8192
const longestData = 256 * 1024
const noCaps: ArtifactCaps = { bytes: 0, files: 0 }

const capsOf = ({ spec, artifactCaps = noCaps }: Pick<AttemptOrder, 'spec' | 'artifactCaps'>): ArtifactCaps =>
  spec.artifacts ? artifactCaps : noCaps

export const pickUpOf = (order: AttemptOrder, workingDir: string, output: string | null): string =>
  pickUpScript({
    workingDir,
    output,
    reports: order.spec.junit ?? [],
    artifacts: order.spec.artifacts ?? [],
    caps: capsOf(order),
  })

/** `most`: bytes that all of it may have on the disk. */
export const mostOf = (order: Pick<AttemptOrder, 'spec' | 'artifactCaps'>): number => {
  const { bytes, files } = capsOf(order)
  return outputLimits.fileBytes + reportBytes + frameBytes + bytes + files * frameBytesOfArtifact
}

export function openFilesPipe(place: Place, key: string, most: number, dir: string): FilesPipe {
  const file = new ReportFile(join(dir, `${key}.report`), most)
  const toFrames = createLinesToFrames()
  let wrong: string | undefined
  const pipe = createSlotPipe(place.files)
  const take = (bytes: Buffer): Promise<void> | undefined => {
    if (wrong !== undefined) return undefined
    try {
      const frames = toFrames.take(bytes)
      return frames.length === 0 ? undefined : file.take(frames)
    } catch (error) {
      wrong = (error as Error).message
    }
  }
  pipe.open(take)
  let closed = false
  return {
    async finish() {
      pipe.finish(take)
      const found = await file.finish()
      const trouble = found.trouble ?? wrong ?? (toFrames.whole() ? undefined : 'reading them was broken off')
      return trouble === undefined ? found : { ...found, trouble }
    },
    close() {
      if (!closed) pipe.close()
      closed = true
    },
  }
}

const kinds = new Set(['F', 'M', 'X', 'S', 'E', 'C', 'Z'])

/** Pure. The writer is the job's own user: nothing of it is believed that cannot do without. */
export function createLinesToFrames(): { take(bytes: Buffer): Buffer; whole(): boolean } {
  let line: Buffer = Buffer.alloc(0)
  let left = 0
  let open = false
  const frame = (kind: string, payload: Buffer): Buffer => {
    const head = Buffer.alloc(5)
    head.write(kind, 'latin1')
    head.writeUInt32LE(payload.length, 1)
    return Buffer.concat([head, payload])
  }
  return {
    whole: () => left === 0 && line.length === 0 && !open,
    take(bytes) {
      const frames: Buffer[] = []
      for (let rest = bytes; rest.length > 0;) {
        if (left > 0) {
          const data = rest.subarray(0, Math.min(left, longestData))
          left -= data.length
          rest = rest.subarray(data.length)
          frames.push(frame('D', data))
          continue
        }
        const at = rest.indexOf(10)
        line = Buffer.concat([line, at === -1 ? rest : rest.subarray(0, at)])
        if (line.length > longestLine) throw new Error('what came is no report')
        if (at === -1) break
        rest = rest.subarray(at + 1)
        const kind = String.fromCharCode(line[0] ?? 0)
        const text = line.subarray(2)
        line = Buffer.alloc(0)
        if (kind === 'D') {
          left = Number(text.toString('latin1'))
          if (!Number.isSafeInteger(left) || left < 0) throw new Error('what came is no report')
        } else if (kinds.has(kind)) {
          if (kind === 'S') open = true
          if (kind === 'Z') open = false
          frames.push(frame(kind, text))
        } else throw new Error('what came is no report')
      }
      return Buffer.concat(frames)
    },
  }
}
