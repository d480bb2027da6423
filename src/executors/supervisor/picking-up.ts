/** The files of one attempt (outputs, reports, artefacts): whether they can be picked up here, and the pipe they come through. */
import type { AttemptOrder, ReportFound } from '../executor.ts'
import { onPath } from '../launcher/spawn-launcher.ts'
import { ReportFile } from '../output/report-file.ts'
import type { ArtifactCaps } from '../../job/artifacts.ts'
import { outputLimits } from '../../job/outputs.ts'
import {
  artifactPatience,
  encodePickup,
  leavesFiles,
  pickupArgv,
  pickupLine,
  reportBytes,
  type PickupOrder,
} from '../sandbox/pickup.ts'
import type { Pickup } from '../sandbox/isolation.ts'
import { systemView } from '../sandbox/system-view.ts'
import { perlInside } from '../sandbox/waiter.ts'
import { createSlotPipe } from './pipe.ts'
import type { Slot } from './slots.ts'

/** Names and lengths beside the contents. */
const frameBytes = 1024 * 1024
const frameBytesOfArtifact = 4200
const noCaps: ArtifactCaps = { bytes: 0, files: 0 }

const capsOf = ({ spec, artifactCaps = noCaps }: Pick<AttemptOrder, 'spec' | 'artifactCaps'>): ArtifactCaps =>
  spec.artifacts ? artifactCaps : noCaps

type Leaving = Pick<AttemptOrder, 'spec' | 'artifactCaps'>

/** Seconds. */
const patienceOf = (order: Leaving): number => order.spec.cleanup_seconds ?? artifactPatience(capsOf(order))

/** Of the frames of all files together. */
export function mostReportBytes(order: Leaving): number {
  const { bytes, files } = capsOf(order)
  return outputLimits.fileBytes + reportBytes + frameBytes + bytes + files * frameBytesOfArtifact
}

/** How long a command that has ended may stay for its files. */
export const patienceMs = (order: Leaving): number => (order.spec.artifacts ? patienceOf(order) * 1000 : 0)

/** Inside; in the private directory of a slot (`home`) it is gone with the attempt whatever happens. */
export const outputPath = (
  { spec, key }: Pick<AttemptOrder, 'spec' | 'key'>,
  home: string | undefined,
): string | null => (spec.outputs ? `${home === undefined ? `/tmp/.runyard-${key}` : `${home}/.runyard`}/output` : null)

/** Null: the job leaves no files that are wanted. */
export type Wrapping = { perl: string } | { cannot: string } | null

export function wrappingOf({ spec }: Pick<AttemptOrder, 'spec'>): Wrapping {
  if (!leavesFiles(spec)) return null
  const perl = spec.isolation === 'none' ? onPath('perl') : perlInside(systemView())
  return perl === null ? { cannot: 'this runner has no Perl, which reads them (install perl-base)' } : { perl }
}

/** `env`: all that the command is to see. */
export const pickupOrder = (order: AttemptOrder, env: Record<string, string>): PickupOrder => ({
  output: env.RUNYARD_OUTPUT ?? null,
  reports: order.spec.junit ?? [],
  artifacts: order.spec.artifacts ?? [],
  caps: capsOf(order),
  patience: patienceOf(order),
  command: order.spec.command,
  env,
})

export const pickupFor = (perl: string, order: AttemptOrder, slot: Slot, env: Record<string, string>): Pickup => ({
  order: encodePickup(pickupOrder(order, env)),
  report: slot.reportPath,
  argv: (orderFd, reportFd, statusFd) => pickupArgv(perl, orderFd, reportFd, statusFd),
})

export class PickingUp {
  /** The beginning of the command line of the process around the command. */
  readonly line: string
  readonly #slot: Slot
  readonly #file: ReportFile

  constructor(perl: string, order: AttemptOrder, slot: Slot, path: string) {
    this.line = pickupLine(perl)
    this.#slot = slot
    this.#file = new ReportFile(path, mostReportBytes(order))
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
