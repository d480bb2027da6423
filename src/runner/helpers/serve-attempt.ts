/** The helper API of one attempt: its directory made, its socket served, and both for a later runner process again. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createMask, type AttemptOrder, type AttemptResults } from '../../executors/index.ts'
import { eventLimits } from '../../job/event.ts'
import { helperFiles } from '../../job/helper-places.ts'
import type { AttemptNote } from '../attempt-note.ts'
import { untilAnswered } from '../backoff.ts'
import type { AttemptRef } from '../control-plane.ts'
import { createDiskRoom } from '../disk-room.ts'
import { makeShownDir } from '../shown-dirs.ts'
import type { HelperAccess } from './access.ts'
import { createDesk, type DeskOptions, type HelperServer } from './desk.ts'
import { createLibrary } from './library.ts'
import type { HelperPlan } from './plan.ts'
import { handlerFor } from './routes.ts'
import { serveHelpers } from './serve.ts'

export interface ServedHelpers {
  /** Its token is worth nothing from now on. */
  close(): void
}

export interface HelperTools {
  /** Before the start. `library`: a directory that it shares with others, which must stay until it has ended. */
  open(ref: AttemptRef, plan: HelperPlan, signal: AbortSignal): Promise<ServedHelpers & { library: string }>
  /** Of an attempt that was taken over. `secrets`: what its launcher has. */
  resume(ref: AttemptRef, note: HelperNote, secrets: string[]): Promise<ServedHelpers>
  /** With no attempt left. */
  close(): Promise<void>
}

/** As in `attempt-note.ts`. */
export interface HelperNote {
  dir: string
  token_hash: HelperAccess['tokenHash']
}

export interface HelperToolsOptions {
  server: HelperServer
  /** For large outputs on their way. */
  spoolDir: string
  /** Aborted when nothing more is to be said to the server. */
  signal: AbortSignal
}

export function createHelperTools(options: HelperToolsOptions & { newDir(): string }): HelperTools {
  const { server, signal, newDir } = options
  const library = createLibrary(newDir)
  const spool = spoolIn(options)
  const serve = async (ref: AttemptRef, { dir, token_hash }: HelperNote, secrets: string[]): Promise<ServedHelpers> => {
    const over = new AbortController()
    const desk = createDesk({
      ref,
      server,
      mask: createMask(secrets),
      spool,
      signal: AbortSignal.any([signal, over.signal]),
    })
    const socket = await serveHelpers(join(dir, helperFiles.socket), token_hash, handlerFor(desk, dir))
    return {
      close() {
        over.abort()
        void socket.close()
      },
    }
  }

  return {
    async open(ref, plan, setUp) {
      const { dir, access, secrets } = plan
      const within = AbortSignal.any([signal, setUp])
      const [at] = await Promise.all([library.place(), makeShownDir(dir)])
      await Promise.all([showLibrary(plan, at), writeScript(plan), bringInput(ref, dir, server, within)])
      within.throwIfAborted()
      const served = await serve(ref, { dir, token_hash: access.tokenHash }, secrets)
      if (!within.aborted) return { ...served, library: at }
      served.close()
      throw within.reason
    },
    resume: serve,
    close: () => library.remove(),
  }
}

/** For an executor of the runner's own process, which needs no socket. */
export function createResults(options: HelperToolsOptions): (order: AttemptOrder) => AttemptResults {
  const { server, signal } = options
  const spool = spoolIn(options)
  return ({ note, secretEnv }) => {
    const { ref } = note as AttemptNote
    return createDesk({ ref, server, mask: createMask(Object.values(secretEnv)), spool, signal })
  }
}

/** Looked at when something large comes, and made then. */
function spoolIn({ spoolDir }: HelperToolsOptions): DeskOptions['spool'] {
  let room: (() => boolean) | undefined
  return { dir: spoolDir, diskIsFull: () => (room ??= createDiskRoom(spoolDir))() }
}

async function showLibrary({ dir, place }: HelperPlan, library: string): Promise<void> {
  const path = join(dir, helperFiles.library)
  // In a sandbox it is bound there.
  await (place === dir ? symlink(library, path) : mkdir(path))
  // `import 'cronium'` looks beside the script.
  await symlink(`${helperFiles.library}/js/modules`, join(dir, 'node_modules'))
}

async function writeScript({ dir, place, script, node }: HelperPlan): Promise<void> {
  if (script !== undefined) await put(join(dir, script.file), script.text)
  if (node === undefined) return
  const path = join(dir, helperFiles.node)
  await mkdir(dirname(path))
  await chmod(dirname(path), 0o755)
  // In a sandbox the program itself is bound over it.
  await (place === dir ? symlink(node, path) : put(path, ''))
}

async function put(path: string, bytes: string | Buffer): Promise<void> {
  await writeFile(path, bytes)
  await chmod(path, 0o444)
}

/** What it is and, when it is small, what it was given: there as files for scripts that can speak to no socket. */
async function bringInput(ref: AttemptRef, dir: string, server: HelperServer, signal: AbortSignal): Promise<void> {
  const event = await untilAnswered(() => server.callHelper(ref, { method: 'event.get', params: {} }), signal)
  if (!('ok' in event)) return
  await put(join(dir, helperFiles.event), JSON.stringify(event.ok))
  const { input } = event.ok as { input?: { bytes: number } | null }
  if (!input || input.bytes > eventLimits.inlineBytes) return
  const bytes = await untilAnswered(() => inputOf(ref, server, signal), signal)
  if (bytes !== null) await put(join(dir, helperFiles.input), bytes)
}

async function inputOf(ref: AttemptRef, server: HelperServer, signal: AbortSignal): Promise<Buffer | null> {
  const input = await server.getInput(ref, signal)
  if (input === null) return null
  const pieces: Uint8Array[] = []
  for await (const piece of input.body) pieces.push(piece)
  return Buffer.concat(pieces)
}
