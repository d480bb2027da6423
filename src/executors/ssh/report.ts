/** The files that a job left, on their way here. */
import type { AttemptOrder, ReportFound } from '../executor.ts'
import { outputLimits } from '../../job/outputs.ts'
import { ReportFile } from '../output/report-file.ts'
import { reportBytes } from '../sandbox/pickup.ts'
import type { Session } from '../../ssh/pool.ts'
import { afterGreeting } from './spool-reader.ts'
import { catCommand, type RemotePlace } from './remote.ts'

const frames = 1024 * 1024
const frameOfArtifact = 4200

/** Of all that may be in it. */
export const mostOf = ({ spec, artifactCaps }: Pick<AttemptOrder, 'spec' | 'artifactCaps'>): number => {
  const { bytes, files } = (spec.artifacts && artifactCaps) || { bytes: 0, files: 0 }
  return outputLimits.fileBytes + reportBytes + frames + bytes + files * frameOfArtifact
}

/** Rejects when not all of it came. */
export async function fetchReport(
  session: Session,
  place: RemotePlace,
  { path, bytes, most }: { path: string; bytes: number; most: number },
): Promise<ReportFound> {
  const file = new ReportFile(path, most)
  const channel = await session.exec(catCommand(place, 'report'))
  let got = 0
  channel.stderr.resume()
  const after = afterGreeting(place.word)
  channel.on('data', (came: Buffer) => {
    const piece = after(came)
    got += piece.length
    const wait = file.take(piece)
    if (!wait) return
    channel.pause()
    void wait.then(() => channel.resume())
  })
  await new Promise<void>((resolve) => channel.on('close', () => resolve()))
  const found = await file.finish()
  if (got >= bytes) return found
  await file.remove()
  throw new Error('the connection was cut')
}
