/**
 * What one attempt may ask of the server, whoever asks for it: a script by its socket, or an executor of the runner's own
 * process. Secrets are masked in all that goes out, calls are tried again while the server is away, and large outputs go
 * by way of a file, so that none has to fit into memory.
 */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { AttemptResults, Mask } from '../../executors/index.ts'
import { eventLimits } from '../../job/event.ts'
import { outputArtifact, type HelperAnswer, type HelperCall, type HelperMethod } from '../../job/helper-protocol.ts'
import { AppError, errorCodes, isAppError, type ErrorCode } from '../../lib/app-error.ts'
import { linkBackoff, untilAnswered } from '../backoff.ts'
import type { AttemptRef, ControlPlane, InputStream } from '../control-plane.ts'
import { spool, type SpoolOptions } from './spool.ts'

export type HelperServer = Pick<ControlPlane, 'callHelper' | 'getInput' | 'offerArtifacts' | 'putArtifact'>

export interface Desk extends AttemptResults {
  call(call: HelperCall): Promise<HelperAnswer>
  /** Without a type it is looked at. */
  putOutput(type: string | null, body: AsyncIterable<Uint8Array>): Promise<void>
  /** `from`: bytes that are left out at the beginning. */
  openInput(from?: number): Promise<InputStream | null>
}

export interface DeskOptions {
  ref: AttemptRef
  server: HelperServer
  mask: Mask
  spool: Pick<SpoolOptions, 'dir' | 'diskIsFull'>
  /** Aborted when the attempt is over. */
  signal: AbortSignal
  /** How long an absent server is waited for. */
  patienceMs?: number
}

/** A server that is restarted is back by then; scripts try again on their own after it. */
const usualPatienceMs = 60_000
/** Of a call's parameters what its script says; the others are names. */
const said = ['value', 'text', 'input'] as const
/** Done twice they would count twice; the server knows a key again. */
const needKey: readonly HelperMethod[] = ['variable.increment', 'variable.append', 'variable.delete', 'message.send']

export function createDesk({ ref, server, mask, signal, patienceMs = usualPatienceMs, ...options }: DeskOptions): Desk {
  let outputs: Promise<unknown> = Promise.resolve()

  const patiently = async <T>(run: () => Promise<T>): Promise<T> => {
    const patience = AbortSignal.timeout(patienceMs)
    try {
      return await untilAnswered(run, AbortSignal.any([signal, patience]), linkBackoff)
    } catch (error) {
      if (signal.aborted) throw new AppError('failed_precondition', 'this attempt is over', { cause: error })
      if (!patience.aborted) throw error
      throw new AppError('unavailable', 'the server does not answer', { retryAfterSeconds: 5, cause: error })
    }
  }

  const call = ({ method, params, key }: HelperCall): Promise<HelperAnswer> => {
    const known = key ?? (needKey.includes(method) ? randomUUID() : undefined)
    const masked = maskedParams(params as Record<string, unknown>, mask)
    return patiently(() => server.callHelper(ref, { method, params: masked, ...(known && { key: known }) }))
  }
  /** Its bytes are masked; in base64 a short secret could be found that is none. */
  const setOutput = async (params: { type: string } & ({ base64: string } | { artifact: string })): Promise<void> => {
    const answer = await patiently(() => server.callHelper(ref, { method: 'output.set', params }))
    if ('error' in answer) throw new AppError(codeOf(answer.error.code), answer.error.message)
  }

  const send = async (type: string | null, body: AsyncIterable<Uint8Array>): Promise<void> => {
    const kept = await spool(mask.stream(body), {
      ...options.spool,
      inlineBytes: eventLimits.inlineBytes,
      mostBytes: eventLimits.outputBytes,
    })
    if ('bytes' in kept) {
      return setOutput({ type: type ?? typeOf(kept.bytes), base64: kept.bytes.toString('base64') })
    }
    try {
      await sendFile({ name: outputArtifact, bytes: kept.size, sha256: kept.sha256 }, kept.read)
    } finally {
      await kept.discard()
    }
    await setOutput({ type: type ?? binary, artifact: outputArtifact })
  }

  const sendFile = (file: { name: string; bytes: number; sha256: string }, read: () => AsyncIterable<Uint8Array>) =>
    patiently(async () => {
      const { stale, wanted, refused } = await server.offerArtifacts(ref, [file])
      if (refused[0]) throw new AppError('invalid_argument', `the output is not taken: ${refused[0].reason}`)
      const gone = stale || (wanted.length > 0 && (await server.putArtifact(ref, file, read, signal)) === 'stale')
      if (gone) throw new AppError('failed_precondition', 'this attempt is over')
    })

  return {
    call,

    /** One after another: the last one that began is the one that stays. */
    putOutput(type, body) {
      const mine = outputs.then(() => send(type, body))
      outputs = mine.catch(() => {})
      return mine
    },

    async openInput(from = 0) {
      const open = (): Promise<InputStream | null> => patiently(() => server.getInput(ref, signal))
      const first = await open()
      return first === null ? null : { ...first, body: resumed(first, open, from, signal) }
    },
  }
}

const binary = 'application/octet-stream'

/** Of a small output whose sender knows no types. */
function typeOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) return binary
  try {
    JSON.parse(bytes.toString())
    return 'application/json'
  } catch {
    return 'text/plain; charset=utf-8'
  }
}

function maskedParams(params: Record<string, unknown>, mask: Mask): Record<string, unknown> {
  const spoken = said.filter((name) => name in params).map((name) => [name, mask.json(params[name])])
  return { ...params, ...Object.fromEntries(spoken) }
}

export const codeOf = (code: string): ErrorCode => errorCodes.find((known) => known === code) ?? 'internal'

/** Goes on where it was when the link is cut. */
async function* resumed(
  first: InputStream,
  open: () => Promise<InputStream | null>,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let given = from
  for (let input: InputStream | null = first; input !== null; input = await open()) {
    let at = 0
    const before = given
    try {
      for await (const bytes of input.body) {
        const rest = at + bytes.length > given ? bytes.subarray(Math.max(0, given - at)) : null
        at += bytes.length
        if (rest === null) continue
        given += rest.length
        yield rest
      }
      return
    } catch (error) {
      // A server that gives nothing time and again is no server that was restarted.
      if (signal.aborted || !isAppError(error) || given === before) throw error
    }
  }
}
