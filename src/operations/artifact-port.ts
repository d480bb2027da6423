/** Artefacts as runners send and read them: fenced like everything that a runner says. */
import {
  addArtifact,
  artifactById,
  artifactsOf,
  lastArtifactsOf,
  type ArtifactRow,
} from '../artifacts/artifact-rows.ts'
import { isArtifactName, type ArtifactFile } from '../job/artifacts.ts'
import { eventLimits } from '../job/event.ts'
import { outputArtifact } from '../job/helper-protocol.ts'
import type { StoredSpec } from '../job/spec.ts'
import { AppError } from '../lib/app-error.ts'
import { lockHeld } from '../queue/end-attempts.ts'
import { stillHeld } from '../queue/heartbeat.ts'
import { isTerminal, type JobState } from '../job/state.ts'
import type { AttemptRef, FromRunner } from '../queue/types.ts'
import type { Deps } from './deps.ts'

export interface Offered {
  stale: boolean
  /** Places in the list. */
  wanted: number[]
  refused: { place: number; reason: string }[]
}

export interface InputArtifact extends ArtifactFile {
  id: string
  directory: string
}

type Parts = Pick<Deps, 'db' | 'config' | 'artifacts'>

/** The output of a run has a limit of its own and takes nothing from what it leaves beside. */
const outputRefusal = ({ bytes }: ArtifactFile): string | null =>
  bytes > eventLimits.outputBytes ? `an output may have ${eventLimits.outputBytes} bytes` : null

export function createArtifactPort({ db, config, artifacts }: Parts) {
  const holds = async (from: FromRunner, ref: AttemptRef): Promise<boolean> =>
    (await stillHeld(db, [{ ...from, ref }]))[0] === true

  const refusal = (all: readonly ArtifactRow[], file: ArtifactFile): string | null => {
    if (file.name === outputArtifact) return outputRefusal(file)
    const others = all.filter(({ name }) => name !== file.name && name !== outputArtifact)
    const bytes = others.reduce((sum, one) => sum + one.bytes, file.bytes)
    if (!isArtifactName(file.name)) return 'its name is none that an artefact may have'
    if (bytes > config.artifactBytes) return `all artefacts together may have ${config.artifactBytes} bytes`
    return others.length >= config.artifactFiles ? `a job may leave ${config.artifactFiles} artefacts` : null
  }

  const namedBy = async (ref: AttemptRef): Promise<Record<string, string[]>> => {
    const { rows } = await db.query<{ spec: StoredSpec }>({
      name: 'artifacts_wanted',
      text: 'select spec from jobs where id = $1::bigint',
      values: [ref.jobKey],
    })
    return rows[0]?.spec.artifacts_from ?? {}
  }

  return {
    async offer(from: FromRunner, ref: AttemptRef, files: readonly ArtifactFile[]): Promise<Offered> {
      if (!(await holds(from, ref))) return { stale: true, wanted: [], refused: [] }
      const have = await artifactsOf(db, ref.jobKey, ref.number)
      const all = [...have]
      const answer: Offered = { stale: false, wanted: [], refused: [] }
      files.forEach((file, place) => {
        if (have.some((one) => one.name === file.name && one.sha256 === file.sha256)) return
        const reason = refusal(all, file)
        if (reason !== null) return answer.refused.push({ place, reason })
        all.push({ ...file, id: '', attempt: ref.number, blob: '', server: null })
        return answer.wanted.push(place)
      })
      return answer
    },

    /** Whether it was stale; then nothing of it is kept. */
    async put(
      from: FromRunner,
      ref: AttemptRef,
      file: ArtifactFile,
      bytes: AsyncIterable<Uint8Array>,
    ): Promise<{ stale: boolean }> {
      if (!(await holds(from, ref))) return { stale: true }
      const reason = refusal(await artifactsOf(db, ref.jobKey, ref.number), file)
      if (reason !== null) throw new AppError('invalid_argument', `the artefact is refused: ${reason}`)
      const put = await artifacts.put(file, bytes)
      try {
        const mine = await db.tx(async (tx) => {
          if ((await lockHeld(tx, [{ ...from, ref }])).size === 0) return false
          await addArtifact(tx, { ...file, ...put, jobKey: ref.jobKey, attempt: ref.number })
          return true
        })
        if (!mine) await artifacts.drop(put)
        return { stale: !mine }
      } catch (error) {
        // Not dropped: whether it was committed is not known, and the sweep sees what has no row.
        throw error instanceof AppError
          ? error
          : new AppError('unavailable', 'the artefact could not be written down', { cause: error })
      }
    },

    /** Null: stale. `failed_precondition` when one of the jobs has not ended or is gone. */
    async inputs(from: FromRunner, ref: AttemptRef): Promise<InputArtifact[] | null> {
      if (!(await holds(from, ref))) return null
      const wanted = await namedBy(ref)
      const ids = [...new Set(Object.values(wanted).flat())]
      const { rows } = await db.query<{ id: string; state: JobState }>({
        name: 'artifacts_ready',
        text: 'select public_id as id, state from jobs where public_id = any($1::text[])',
        values: [ids],
      })
      for (const id of ids) {
        const state = rows.find((row) => row.id === id)?.state
        if (state !== undefined && isTerminal(state)) continue
        const why = state === undefined ? 'is gone' : `is ${state}: name it in depends_on`
        throw new AppError('failed_precondition', `artifacts_from: job ${id} ${why}`)
      }
      const left = await lastArtifactsOf(db, ids)
      return Object.entries(wanted).flatMap(([directory, jobs]) =>
        left
          .filter(({ job }) => jobs.includes(job))
          .map(({ id, name, bytes, sha256 }) => ({ id, directory, name, bytes, sha256 })),
      )
    },

    /** Only what `inputs` lists. */
    async *get(from: FromRunner, ref: AttemptRef, id: string): AsyncGenerator<Buffer> {
      const row = (await holds(from, ref)) ? await artifactById(db, id) : null
      const named = row?.last ? Object.values(await namedBy(ref)).flat() : []
      if (row === null || !named.includes(row.job)) throw new AppError('not_found', 'there is no such artefact')
      const read = await artifacts.open(row)
      yield* read(0, row.bytes)
    },
  }
}
