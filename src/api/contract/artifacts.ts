/** Files that a job left. Their bytes have a route of their own (`plain.ts`). */
import * as z from 'zod'
import { base, publicId, queryInt } from './base.ts'

export const artifactSchema = z.object({
  /** A relative path. */
  name: z.string(),
  bytes: z.number(),
  /** Hexadecimal. */
  sha256: z.string(),
  attempt: z.int(),
})
export type Artifact = z.infer<typeof artifactSchema>

export const listArtifacts = base
  .route({ method: 'GET', path: '/jobs/{id}/artifacts', summary: 'The files that a job left', tags: ['jobs'] })
  .input(z.strictObject({ id: publicId, attempt: queryInt(1, 1_000_000).optional() }))
  .output(z.object({ artifacts: z.array(artifactSchema) }))
