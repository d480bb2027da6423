/** Files that a job leaves: where it says they will be, what they are called afterwards, and whose it wants to read. */
import * as z from 'zod'
import { publicIdPattern } from '../lib/ids.ts'
import { keyProblem } from './labels.ts'

/** Inside the sandbox: the artefacts of other jobs. */
export const artifactsPlace = '/artifacts'

export const artifactLimits = { paths: 20, directories: 32, jobs: 1000 } as const

/** What one job may leave; settings of the server. */
export interface ArtifactCaps {
  bytes: number
  files: number
}

export interface ArtifactFile {
  name: string
  bytes: number
  /** Hexadecimal. */
  sha256: string
}

const artifactPath = z
  .string()
  .min(1, 'must name a file or directory')
  .max(1024, 'at most 1024 characters')
  .refine((path) => !/[\0\n]/.test(path) && path.isWellFormed(), 'must be valid Unicode without NUL or line break')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ..')

/** As in `junit`: `*` and `?` within one name, `**` for any number of directories; a directory is all that is in it. */
export const artifactPaths = z
  .array(artifactPath)
  .min(1, 'must name at least one path, e.g. ["dist/*.tar.gz"]')
  .max(artifactLimits.paths, `at most ${artifactLimits.paths} paths`)

const directory = z
  .string()
  .regex(
    /^[\p{L}\p{N}_][\p{L}\p{N}_ .:@+-]{0,127}$/u,
    'is no name of a directory: letters, digits, _ . : @ + - and spaces, at most 128, and begins with a letter or digit',
  )

/** Directory under `/artifacts` → ids of jobs. */
export const artifactsFrom = z
  .record(
    directory,
    z
      .array(z.string().regex(publicIdPattern, 'must be a job id: 12 characters, 0-9 and a-z'))
      .min(1, 'must name at least one job'),
    keyProblem,
  )
  .refine(
    (from) => Object.keys(from).length <= artifactLimits.directories,
    `at most ${artifactLimits.directories} directories`,
  )
  .refine(
    (from) => Object.values(from).flat().length <= artifactLimits.jobs,
    `at most ${artifactLimits.jobs} jobs together`,
  )

export { artifactName, isArtifactName } from '../lib/artifact-name.ts'
