/** The report side of one attempt: whether its files can be picked up here, and the pipe that they come through. */
import type { AttemptOrder, ReportFound } from '../executor.ts'
import { onPath } from '../launcher/spawn-launcher.ts'
import { ReportFile } from '../output/report-file.ts'
import { encodePickup, pickupArgv, pickupLine, reportBytes } from '../sandbox/pickup.ts'
import type { Pickup } from '../sandbox/isolation.ts'
import { systemView } from '../sandbox/system-view.ts'
import { perlInside } from '../sandbox/waiter.ts'
import { createSlotPipe } from './pipe.ts'
import type { Slot } from './slots.ts'

/** Names and lengths beside the contents. */
const frameBytes = 1024 * 1024

/** Null: the job has named no report files. */
export type Wrapping = { perl: string } | { cannot: string } | null

export function wrappingOf({ spec }: Pick<AttemptOrder, 'spec'>): Wrapping {
  if (!spec.junit || spec.junit.length === 0) return null
  const perl = spec.isolation === 'none' ? onPath('perl') : perlInside(systemView())
  return perl === null ? { cannot: 'this runner has no Perl, which reads them (install perl-base)' } : { perl }
}

/** `env`: all that the command is to see. */
export const pickupFor = (perl: string, order: AttemptOrder, slot: Slot, env: Record<string, string>): Pickup => ({
  order: encodePickup(order.spec.junit ?? [], order.spec.command, env),
  report: slot.reportPath,
  argv: (orderFd, reportFd, statusFd) => pickupArgv(perl, orderFd, reportFd, statusFd),
})

export class PickingUp {
  /** The beginning of the command line of the process around the command. */
  readonly line: string
  readonly #slot: Slot
  readonly #file: ReportFile

  constructor(perl: string, slot: Slot, path: string) {
    this.line = pickupLine(perl)
    this.#slot = slot
    this.#file = new ReportFile(path, reportBytes + frameBytes)
    slot.report ??= createSlotPipe(slot.reportPath)
    slot.report.open((bytes) => this.#file.take(bytes))
  }

  /** True when the pipe is as good as new. */
  drain(): boolean {
    return this.#slot.report?.finish((bytes) => this.#file.take(bytes)) ?? true
  }

  found(): Promise<ReportFound> {
    return this.#file.finish()
  }

  remove(): Promise<void> {
    return this.#file.remove()
  }
}
