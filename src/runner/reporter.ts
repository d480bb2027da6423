/** Started, finished, handed back: retried until the server has answered, many attempts in one call. */
import { createBatches } from './batches.ts'
import type { AttemptRef, ControlPlane, FinishReport, ReportResult } from './control-plane.ts'

/** A command that is over within this time needs no word about its start: its finish carries it. */
const startedWindowMs = 50
const most = 500

export interface StartedReport {
  ref: AttemptRef
  startedAt: Date
  unenforced: string[]
  /** It has ended meanwhile. */
  isOver(): boolean
}

export interface Reporter {
  /** Answered without a call when it was over before the call. */
  started(report: StartedReport): Promise<ReportResult>
  finish(report: FinishReport): Promise<ReportResult>
  handBack(ref: AttemptRef, reason: string): Promise<ReportResult>
}

export function createReporter(
  server: Pick<ControlPlane, 'started' | 'finish' | 'handBack'>,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void = () => {},
): Reporter {
  const finish = (reports: FinishReport[]) => server.finish(reports)
  const finishShort = createBatches(finish, { most, signal, onTrouble })
  // The server answers a call when it has sealed all logs in it: a long one does not hold up the short ones.
  const finishLong = createBatches(finish, { most, atOnce: 4, signal, onTrouble })
  // Up to some MiB each.
  const finishTested = createBatches(finish, { most: 1, atOnce: 2, signal, onTrouble })
  const handBack = createBatches((items: { ref: AttemptRef; reason: string }[]) => handBackByReason(server, items), {
    most,
    signal,
    onTrouble,
  })
  return {
    started: createBatches((items: StartedReport[]) => startedOfRunning(server, items), {
      windowMs: startedWindowMs,
      most,
      signal,
      onTrouble,
    }),
    finish: (report) =>
      report.tests || report.outputs
        ? finishTested(report)
        : report.log === undefined
          ? finishLong(report)
          : finishShort(report),
    handBack: (ref, reason) => handBack({ ref, reason }),
  }
}

async function startedOfRunning(
  server: Pick<ControlPlane, 'started'>,
  items: StartedReport[],
): Promise<ReportResult[]> {
  const running = items.filter((item) => !item.isOver())
  const answers = running.length > 0 ? await server.started(running) : []
  const results = new Map(running.map((item, i) => [item, answers[i]!]))
  return items.map((item) => results.get(item) ?? 'accepted')
}

async function handBackByReason(
  server: Pick<ControlPlane, 'handBack'>,
  items: { ref: AttemptRef; reason: string }[],
): Promise<ReportResult[]> {
  const results = new Map<AttemptRef, ReportResult>()
  for (const reason of new Set(items.map((item) => item.reason))) {
    const refs = items.filter((item) => item.reason === reason).map((item) => item.ref)
    const answers = await server.handBack(refs, reason)
    refs.forEach((ref, i) => results.set(ref, answers[i]!))
  }
  return items.map((item) => results.get(item.ref)!)
}
