/** The field `egress` of a job (`lib/egress-rules.ts`). */
import * as z from 'zod'
import { parseEgress } from '../lib/egress-rules.ts'

export const egressLimits = { entries: 100, length: 260 } as const

export const egressSchema = z
  .array(
    z
      .string()
      .max(egressLimits.length)
      .refine(
        (entry) => parseEgress(entry) !== null,
        'is no destination: e.g. api.example.com, *.example.com:8443, 10.1.0.0/16:5432',
      ),
  )
  .min(1, 'must name a destination, or use network "none"')
  .max(egressLimits.entries, `at most ${egressLimits.entries} destinations`)
