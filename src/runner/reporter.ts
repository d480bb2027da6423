/** Started, finished, handed back: retried until the server has answered, many attempts in one call. */
import { createBatches } from './batches.ts'
import type { AttemptRef, ControlPlane, FinishReport, ReportResult } from './control-plane.ts'

export interface StartedReport {
  ref: AttemptRef
  startedAt: Date
  unenforced: string[]
}

export interface Reporter {
  started(report: StartedReport): Promise<ReportResult>
  finish(report: FinishReport): Promise<ReportResult>
  handBack(ref: AttemptRef, reason: string): Promise<ReportResult>
}

export function createReporter(
  server: Pick<ControlPlane, 'started' | 'finish' | 'handBack'>,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void = () => {},
): Reporter {
  const options = { windowMs: 3, most: 500, signal, onTrouble }
  const handBack = createBatches<{ ref: AttemptRef; reason: string }, ReportResult>(async (items) => {
    const results = new Map<AttemptRef, ReportResult>()
    for (const reason of new Set(items.map((item) => item.reason))) {
      const refs = items.filter((item) => item.reason === reason).map((item) => item.ref)
      const answers = await server.handBack(refs, reason)
      refs.forEach((ref, i) => results.set(ref, answers[i]!))
    }
    return items.map((item) => results.get(item.ref)!)
  }, options)
  return {
    started: createBatches((items: StartedReport[]) => server.started(items), options),
    finish: createBatches((items: FinishReport[]) => server.finish(items), options),
    handBack: (ref, reason) => handBack({ ref, reason }),
  }
}
