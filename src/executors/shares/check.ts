/** The shared inputs of a job on this runner: there, inside their share with all links followed, and answering. */
import { placeOfInput, type Input } from '../../job/inputs.ts'
import { StartRefused } from '../executor.ts'
import { isUnder, type AllowedBind } from '../sandbox/policy.ts'
import { lookIn } from './look.ts'

/** Where the shares are on this machine. */
export interface SharedInputs {
  /** For the words of a refusal. */
  runner: string
  dirs: Record<string, string>
}

export async function checkInputs(
  inputs: readonly Input[],
  { runner, dirs }: SharedInputs,
  look: typeof lookIn = lookIn,
): Promise<AllowedBind[]> {
  const byShare = Map.groupBy(inputs, (input) => input.share)
  const found = await Promise.all([...byShare].map(([share, of]) => checkShare(share, of)))
  return found.flat()

  async function checkShare(share: string, of: readonly Input[]): Promise<AllowedBind[]> {
    const dir = Object.hasOwn(dirs, share) ? dirs[share] : undefined
    if (dir === undefined) {
      throw new StartRefused('refused', `runner ${runner} has no shared input ${share} (setting RUNYARD_SHARED_INPUTS)`)
    }
    const seen = await look(
      dir,
      of.map(({ path }) => `${dir}/${path}`),
    )
    if ('stale' in seen) throw unavailable(share, runner, seen.stale)
    const [root, ...entries] = seen.entries
    if (!root?.directory) throw unavailable(share, runner, `${dir} is no directory there`)
    return of.map((input, i) => {
      const entry = entries[i]
      const name = `${share}${input.path === '' ? '' : `: ${input.path}`}`
      if (!entry) throw new StartRefused('start', `shared input ${name} does not exist on runner ${runner}`)
      if (!isUnder(entry.real, root.real)) {
        throw new StartRefused('refused', `shared input ${name} leads out of the share on runner ${runner}`)
      }
      return { ...entry, path: placeOfInput(input), mode: 'ro' }
    })
  }
}

function unavailable(share: string, runner: string, why: string): StartRefused {
  const message = `shared input ${share} does not answer on runner ${runner}: ${why} (stale mount?)`
  return new StartRefused('infrastructure', message, share)
}
