/** The last line of an attempt's log → how it ended, with the files that it left. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SshTarget } from '../../job/host.ts'
import type { Usage } from '../../job/outcome.ts'
import type { DrivenEnd, DriversConfig } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type ReportFound } from '../executor.ts'
import { signalOf } from '../sandbox/status.ts'
import type { Hosts } from './hosts.ts'
import type { RemotePlace } from './remote.ts'
import { fetchReport } from './report.ts'
import { fieldsOf } from './spool-reader.ts'

export interface EndOf {
  hosts: Hosts
  target: SshTarget
  config: DriversConfig
  place: RemotePlace
  unenforced: string[]
  /** Bytes of files that it leaves, at most; absent: none are wanted. */
  leaves?: number
}

/** Rejects with StartRefused, or AttemptLost when its watchdog killed it. */
export async function endOf(line: string, of: EndOf): Promise<DrivenEnd> {
  const said = fieldsOf(line)
  const { name } = of.target
  if (said.by === 'lease') throw new AttemptLost(`host ${name} killed it: nothing was heard from here for too long`)
  if (said.by === 'refused') throw await refused(of)
  const exitCode = Number(said.code)
  const signal = signalOf(exitCode)
  const report = await reportOf(said.report, of)
  return {
    exitCode,
    signal,
    oomKilled: Number(said.ooms) > 0 && signal === 'SIGKILL',
    usage: usageOf(said.cpu, said.peak),
    remaining: Number(said.remaining),
    unenforced: of.unenforced,
    ...(report && { report }),
  }
}

export const usageOf = (cpu = '', peak = ''): Usage => ({
  ...(cpu === '' ? {} : { cpu_ms: Number(cpu) }),
  ...(peak === '' ? {} : { memory_peak_bytes: Number(peak) }),
})

async function refused({ hosts, target, place }: EndOf): Promise<StartRefused> {
  const why = await hosts
    .ear(target)
    .then((ear) => ear.ask('refused', place.key))
    .catch(() => '')
  const [errorClass, ...words] = why.split(' ')
  const message = `on host ${target.name}: ${words.join(' ') || 'it could not be started'}`
  return new StartRefused(errorClass === 'start' ? 'start' : 'refused', message)
}

const againMs = [50, 250, 500, 1_000, 2_000, 4_000]

async function reportOf(said: string | undefined, of: EndOf): Promise<ReportFound | undefined> {
  const { hosts, target, config, place, leaves: most } = of
  if (most === undefined || said === undefined || said === 'none') return undefined
  if (said === 'trouble')
    return { path: null, trouble: `host ${target.name} has no Perl, which reads them (install perl-base)` }
  const what = { path: join(config.dir, `${place.key}.report`), bytes: Number(said), most }
  for (const pause of againMs) {
    try {
      const { session, use } = await hosts.open(target, { urgent: true }, (session) =>
        fetchReport(session, place, what),
      )
      session.release()
      return use
    } catch {
      await sleep(pause)
    }
  }
  return { path: null, trouble: `the connection to host ${target.name} was cut before they were fetched` }
}
