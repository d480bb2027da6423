/**
 * What this runner needs to know of an attempt to bring it to its end, and nothing secret: the executor keeps it on disk
 * beside the running job and gives it back to a later runner process.
 */
import { z } from 'zod'
import type { AttemptRef } from './control-plane.ts'

const noteShape = z.object({
  version: z.literal(1),
  ref: z.object({ jobKey: z.string(), number: z.int(), token: z.string() }),
  job_id: z.string(),
  slot: z.int().min(0),
  /** What it asked for by name and holds of this runner's capacity. */
  reserved: z.object({ cpu: z.number().optional(), memory_bytes: z.number().optional() }),
  /** The limit that its memory is held to, for the words about a kill. */
  memory_bytes: z.number(),
  timeout_ms: z.number(),
  stop_grace_ms: z.number(),
  max_attempts: z.number(),
  /** Which files of it are wanted, when it has ended. */
  leaves: z.array(z.enum(['output', 'junit', 'artifacts'])).optional(),
  /** With the artefacts of other jobs; removed with it. */
  fetched_dir: z.string().optional(),
  /** Its helper API; removed with it. */
  helpers: z.object({ dir: z.string(), token_hash: z.string(), library: z.string().optional() }).optional(),
  /** Budgets beside the one of the command. */
  setup_ms: z.number().optional(),
  cleanup_ms: z.number().optional(),
})

export type AttemptNote = z.infer<typeof noteShape> & { ref: AttemptRef }

/** Null for what no runner of ours wrote. */
export function readNote(note: unknown): AttemptNote | null {
  const read = noteShape.safeParse(note)
  return read.success ? read.data : null
}
