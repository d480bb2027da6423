/**
 * What the helpers of a running attempt ask for. Each call is one transaction that holds the attempt: nothing of one that
 * is over, or that went to another runner, is read or written.
 */
import { artifactById } from '../artifacts/artifact-rows.ts'
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import { claimCall, forgetCalls, holdAttempt, keepAnswer, type HeldAttempt } from '../events/attempt-results.ts'
import { inputOf } from '../events/run-of-attempt.ts'
import type { HelperAnswer, HelperCall, HelperMethod } from '../job/helper-protocol.ts'
import { AppError, isAppError, type ErrorCode } from '../lib/app-error.ts'
import type { AttemptRef } from '../queue/types.ts'
import { noteAllDone, noteRefused, type Act, type Done } from './audited.ts'
import type { Deps } from './deps.ts'
import { helperAnswers } from './helper-answers.ts'
import { over, type Asked } from './helper-asked.ts'
import { paramsOf } from './helper-calls.ts'
import { createProgressNotices } from './progress-notices.ts'
import type { Speaker } from './runner-identity.ts'
import { createSeen } from './seen.ts'

export interface OpenInput {
  type: string
  size: number
  body: AsyncIterable<Uint8Array>
}

export interface HelperPort {
  /** A refusal is an answer; an outage is thrown, and the runner tries again. */
  call(from: Speaker, ref: AttemptRef, call: HelperCall): Promise<HelperAnswer>
  /** Null: the run has none. */
  openInput(from: Speaker, ref: AttemptRef): Promise<OpenInput | null>
}

/** Done twice, these would do more than once, or answer otherwise. */
const keyed: readonly HelperMethod[] = ['variable.increment', 'variable.append', 'variable.delete', 'message.send']
/** One of so many calls with a key removes old answers. */
const forgetEvery = 500
const outages: readonly ErrorCode[] = ['unavailable', 'internal', 'deadline_exceeded']

export function createHelperPort(deps: Deps): HelperPort {
  const { db, artifacts } = deps
  const tellProgress = createProgressNotices(db)
  /** A script that counts to a million is one row of the audit log for each variable, not a million. */
  const noted = createSeen(50_000)
  let keyedCalls = 0

  const answer = async (tx: Queryable, held: HeldAttempt, call: HelperCall, note: Asked['note']): Promise<unknown> => {
    const { method, key } = call
    const { ref } = held
    if (!held.helpers) throw new AppError('permission_denied', 'this job was not submitted with helpers: true')
    const work = (): Promise<unknown> =>
      helperAnswers[method]({ tx, deps, held, key, note }, paramsOf(method, call.params) as never)
    if (key === undefined || !keyed.includes(method)) return work()
    const before = await claimCall(tx, ref, key)
    if (before !== undefined) return openAnswer(deps, ref, key, before)
    const made = await work()
    await keepAnswer(tx, ref, key, sealAnswer(deps, ref, key, made))
    if (++keyedCalls % forgetEvery === 0) await forgetCalls(tx, ref)
    return made
  }

  /** With one row of the audit log for what an attempt does again and again, a refusal too. */
  const answerNoted = async (from: Speaker, ref: AttemptRef, call: HelperCall): Promise<unknown> => {
    let held: HeldAttempt | null = null
    const acts: string[] = []
    try {
      const ok = await db.tx(async (tx) => {
        held = await holdAttempt(tx, from, ref)
        if (held === null) throw over()
        const { owner, publicId, run } = held
        const dones: Done[] = []
        const made = await answer(tx, held, call, (act, detail) => {
          const key = seenKey(ref, act)
          if (noted.has(key)) return
          acts.push(key)
          dones.push({ ask: { principal: owner }, act, detail: { ...detail, job: publicId, ...(run && { run }) } })
        })
        if (dones.length > 0) await noteAllDone(tx, dones)
        return made
      })
      for (const key of acts) noted.add(key)
      if (call.method === 'progress.set') tellProgress(held!.publicId)
      return ok
    } catch (error) {
      if (held !== null) await noteRefusal(held, call, error)
      throw error
    }
  }

  const noteRefusal = async ({ owner, ref }: HeldAttempt, call: HelperCall, error: unknown): Promise<void> => {
    if (!isAppError(error) || error.code !== 'permission_denied') return
    const { name } = (call.params ?? {}) as { name?: unknown }
    const act = { action: call.method, ...(typeof name === 'string' && { target: `variable:${name}` }) }
    if (noted.add(`refused ${seenKey(ref, act)}`)) await noteRefused(deps, { principal: owner }, act, error)
  }

  return {
    async call(from, ref, call) {
      try {
        return { ok: await answerNoted(from, ref, call) }
      } catch (error) {
        if (!isAppError(error) || outages.includes(error.code)) throw error
        return { error: { code: error.code, message: error.message } }
      }
    },

    async openInput(from, ref) {
      const held = await db.tx((tx) => holdAttempt(tx, from, ref))
      if (held === null) throw over()
      const input = held.run === null ? null : await inputOf(db, held.run)
      if (input === null) return null
      if (input === 'gone') throw gone()
      const { type } = input
      if ('bytes' in input) return { type, size: input.bytes.length, body: once(input.bytes) }
      const row = await artifactById(db, input.artifact)
      if (row === null) throw gone()
      const read = await artifacts.open(row)
      return { type, size: row.bytes, body: read(0, row.bytes) }
    },
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

const gone = (): AppError => new AppError('not_found', 'the input was a file of a job that is deleted')

const seenKey = ({ jobKey, number }: AttemptRef, { action, target = '' }: Act): string =>
  `${jobKey}-${number} ${action} ${target}`

/** It may be all of a variable, which is nowhere in the clear. */
const sealAnswer = ({ sealer }: Deps, ref: AttemptRef, key: string, answer: unknown): { sealed: string } => ({
  sealed: answersOf(sealer).seal(JSON.stringify(answer), answerAad(ref, key)).toString('base64'),
})

const openAnswer = ({ sealer }: Deps, ref: AttemptRef, key: string, kept: unknown): unknown => {
  const { sealed } = kept as { sealed: string }
  return JSON.parse(answersOf(sealer).open(Buffer.from(sealed, 'base64'), answerAad(ref, key)).toString())
}

const answersOf = (sealer: Sealer): Sealer => sealer.forPurpose('helper-call')
const answerAad = ({ jobKey, number }: AttemptRef, key: string): string => `helper-call:${jobKey}:${number}:${key}`
