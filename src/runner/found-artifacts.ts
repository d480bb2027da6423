/** The artefacts among what was picked up: what each is called, and where its bytes are in that file. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { artifactName, type ArtifactFile } from '../job/artifacts.ts'
import { outputArtifact } from '../job/helper-protocol.ts'
import { createReportFrames, type ReportFrame } from '../job/report-frames.ts'

export interface FoundArtifact extends ArtifactFile {
  /** Of its frames in the file. */
  from: number
  to: number
}

interface Open {
  name: string
  from: number
  bytes: number
  sum: Hash
}

export function createArtifactList(note: (text: string) => void) {
  const found = new Map<string, FoundArtifact>()
  let open: Open | null = null
  let path = ''
  const leaveOut = (why: string): void => note(`artefact ${path} was left out: ${why}`)
  return {
    /** `end`: offset behind the frame. */
    take(frame: ReportFrame, end: number): void {
      if (frame.kind === 'file') {
        path = frame.text
        const called = artifactName(path)
        const name = called === outputArtifact ? null : called
        open = name === null ? null : { name, from: end, bytes: 0, sum: createHash('sha256') }
        if (called === outputArtifact) leaveOut('that is the name of the output of a run')
        else if (name === null) leaveOut('its name has a control character, a backslash or no UTF-8, or is too long')
      } else if (frame.kind === 'data' && open) {
        open.bytes += frame.bytes.length
        open.sum.update(frame.bytes)
      } else if (frame.kind === 'end' && open) {
        const { name, from, bytes, sum } = open
        found.set(name, { name, bytes, sha256: sum.digest('hex'), from, to: end })
        open = null
      } else if (frame.kind === 'broken') {
        if (open) leaveOut(frame.text)
        open = null
      } else if (frame.kind === 'missing') note(`no artefact at ${frame.text}`)
      else if (frame.kind === 'cut') note('it left more artefacts than a job may leave; the rest was left out')
    },
    whole: () => [...found.values()],
  }
}

/** From the beginning, each time. */
export async function* bytesOfArtifact(path: string, { from, to }: FoundArtifact): AsyncGenerator<Buffer> {
  const framesOf = createReportFrames()
  for await (const piece of createReadStream(path, { start: from, end: to - 1, highWaterMark: 256 * 1024 })) {
    for (const frame of framesOf(piece as Buffer))
      if (frame.kind === 'data' && frame.bytes.length > 0) yield frame.bytes
  }
}
