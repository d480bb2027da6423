/** What a job may say about where it runs, beside the labels that its runner must carry (decision 13). */
import * as z from 'zod'
import { labelList, labelsSchema, type Labels } from './labels.ts'

export const strategies = ['spread', 'pack'] as const
export type Strategy = (typeof strategies)[number]

const someLabels = labelsSchema.refine((l) => Object.keys(l).length > 0, 'must name at least one label')

const besideJobs = z.strictObject({
  /** Jobs of the same owner that carry all of these. */
  labels: someLabels,
  /** False: a wish. It decides between runners that have room, and keeps no job waiting. */
  required: z.boolean().default(true),
})

export const placementSchema = z.strictObject({
  /** `spread`: where the most stays free; `pack`: where the least does. The installation's when missing. */
  strategy: z.enum(strategies).optional(),
  /** Labels that the runner must not carry, none of them. */
  avoid_labels: labelsSchema.optional(),
  /** Only on a runner where such a job is held; the first of a group that names itself may run anywhere. */
  affinity: besideJobs.optional(),
  /** Not on a runner where such a job is held. */
  anti_affinity: besideJobs.optional(),
})
export type Placement = z.output<typeof placementSchema>

interface Placed {
  required_labels?: Labels | undefined
  placement?: Placement | undefined
}

/**
 * Lanes are found by an index over their labels, and an entry of an index is 2.7 kB at most: 32 labels of full length
 * were an error of the database.
 */
const ruleBytes = 2048

/** What no runner can ever satisfy is an error now, not a job that waits for ever. */
export function placementProblems(spec: Placed): { path: string[]; message: string }[] {
  const { avoid_labels: avoid, affinity, anti_affinity: apart } = spec.placement ?? {}
  const problems: { path: string[]; message: string }[] = []
  const required = new Set(labelList(spec.required_labels))
  for (const label of labelList(avoid)) {
    if (!required.has(label)) continue
    const message = `${label} is in required_labels too: no runner can have it and not have it`
    problems.push({ path: ['placement', 'avoid_labels'], message })
  }
  if (affinity?.required && apart?.required) {
    const near = new Set(labelList(affinity.labels))
    if (labelList(apart.labels).every((label) => near.has(label))) {
      const message = 'every job that affinity asks for is one that this keeps away from: no runner can satisfy both'
      problems.push({ path: ['placement', 'anti_affinity'], message })
    }
  }
  const all = [spec.required_labels, avoid, affinity?.labels, apart?.labels].flatMap(labelList)
  const bytes = all.reduce((sum, label) => sum + label.length + 1, 0)
  if (bytes > ruleBytes) {
    const message = `all labels that say where a job may run are at most ${ruleBytes} bytes together; these are ${bytes}`
    problems.push({ path: [spec.placement === undefined ? 'required_labels' : 'placement'], message })
  }
  return problems
}
