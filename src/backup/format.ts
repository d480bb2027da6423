/**
 * The file of a backup: a tar archive in one zstd frame, so that `tar --zstd -tf` lists it. Its entries, in this order:
 *
 *   manifest.json                    what it is and which versions made it: enough to refuse it before anything is done
 *   keys/secret.key, keys/jwt.key    unless it was made without
 *   database/<table>/<nr>            rows in the text form of COPY, in pieces
 *   logs/<attempt>.sealed            a finished log as the store has it
 *   logs/<attempt>.short             the record file of a finished short log
 *   logs/<attempt>.records           what there was of a log that was still being written
 *   end.json                         counts, and size and SHA-256 of each part; without it the file is not whole
 */
import * as z from 'zod'
import { AppError } from '../lib/app-error.ts'

export const formatVersion = 1

const manifestSchema = z.object({
  kind: z.literal('runyard-backup'),
  format: z.int(),
  /** Names this backup in the audit log of both systems. */
  id: z.string(),
  created_at: z.string(),
  runyard_version: z.string(),
  postgres_version: z.string(),
  /** Migrations of the database, in order. */
  schema: z.array(z.object({ version: z.string(), checksum: z.string() })),
  /** Of the key that opens sealed values; null on a system that was never started. */
  secret_key_id: z.string().nullable(),
  keys_included: z.boolean(),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
  sequences: z.array(z.object({ name: z.string(), last_value: z.string(), is_called: z.boolean() })),
})
export type Manifest = z.infer<typeof manifestSchema>

const countsSchema = z.object({
  jobs: z.int(),
  users: z.int(),
  /** Jobs that a runner had at that moment. */
  running: z.int(),
  logs: z.int(),
  log_bytes: z.int(),
  /** Logs that the database knows of and that were not in this data directory. */
  logs_missing: z.int(),
  /** Logs that were removed with their jobs while the backup was made. */
  logs_removed: z.int(),
  rows: z.record(z.string(), z.int()),
})
export type Counts = z.infer<typeof countsSchema>

const partSchema = z.object({ entries: z.int(), bytes: z.int(), sha256: z.string() })
export type Parts = Record<string, z.infer<typeof partSchema>>

const endSchema = z.object({ counts: countsSchema, parts: z.record(z.string(), partSchema) })
export type End = z.infer<typeof endSchema>

export const manifestName = 'manifest.json'
export const endName = 'end.json'
export const keyNames = ['secret.key', 'jwt.key'] as const
export type KeyName = (typeof keyNames)[number]

export const tablePart = (table: string): string => `database/${table}`

/** What each part's sum is over: `database/jobs/3` belongs to `database/jobs`, all else to its first word. */
export function partOf(entry: string): string {
  const words = entry.split('/')
  return words.length === 3 ? words.slice(0, 2).join('/') : words[0]!
}

export const damaged = (why: string, cause?: unknown): AppError =>
  new AppError('failed_precondition', `the backup is damaged: ${why}`, { cause })

export const notABackup = (cause?: unknown): AppError =>
  new AppError('failed_precondition', 'this is not a backup of Runyard', { cause })

export function parseManifest(bytes: Buffer): Manifest {
  const value = jsonOf(bytes)
  const { kind, format } = (value ?? {}) as { kind?: unknown; format?: unknown }
  if (kind !== 'runyard-backup' || typeof format !== 'number') throw notABackup()
  if (format > formatVersion) {
    throw new AppError(
      'failed_precondition',
      `the backup has format ${format}, and this Runyard reads up to ${formatVersion}: restore it with a newer one`,
    )
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw damaged(`its manifest is not valid (${z.prettifyError(parsed.error)})`)
  return parsed.data
}

export function parseEnd(bytes: Buffer): End {
  const parsed = endSchema.safeParse(jsonOf(bytes))
  if (!parsed.success) throw damaged('its end record is not valid')
  return parsed.data
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}
