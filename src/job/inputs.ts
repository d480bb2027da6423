/** Shared inputs: directories that every runner may have at a place of its own, read-only for jobs that name them. */
import * as z from 'zod'
import { sharePattern } from '../lib/share-name.ts'
import type { Labels } from './labels.ts'

/** Inside the sandbox. */
export const inputsPlace = '/inputs'

/** A runner that has the share carries this label; a job that names it goes only there. */
export const shareLabel = (share: string): string => `input.${share}`
const has = 'yes'

const sharePath = z
  .string()
  .max(4096)
  .refine((path) => !path.includes('\0') && path.isWellFormed(), 'must be valid Unicode without a NUL character')
  .refine((path) => !path.startsWith('/'), 'is a path inside the share, so it does not begin with /')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ..')
  .transform((path) =>
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/'),
  )

const input = z.strictObject({
  share: z.string().regex(sharePattern, 'is a name of lower-case letters, digits, . _ and -, at most 40'),
  /** Of a directory or file in the share; all of it when missing. */
  path: sharePath.default(''),
})

export const inputsSchema = z
  .array(input)
  .max(32, 'at most 32 inputs')
  .superRefine((inputs, context) => {
    inputs.forEach((one, i) => {
      const within = inputs.findIndex(
        (other, k) => k !== i && isWithin(one, other) && (one.path !== other.path || k < i),
      )
      if (within < 0) return
      context.addIssue({ code: 'custom', path: [i], message: `is a part of inputs[${within}]; name it once` })
    })
  })
export type Input = z.output<typeof input>

const isWithin = (one: Input, other: Input): boolean =>
  one.share === other.share && (other.path === '' || one.path === other.path || one.path.startsWith(`${other.path}/`))

/** Its place inside the sandbox. */
export const placeOfInput = ({ share, path }: Input): string =>
  path === '' ? `${inputsPlace}/${share}` : `${inputsPlace}/${share}/${path}`

/** What the runner must carry for these. */
export const labelsOfInputs = (inputs: readonly Input[] | undefined): Labels =>
  Object.fromEntries((inputs ?? []).map(({ share }) => [shareLabel(share), has]))

/** What a runner carries that has these shares. */
export const labelsOfShares = (shares: readonly string[]): Labels =>
  Object.fromEntries(shares.map((share) => [shareLabel(share), has]))

/** The share that a label (`input.x=yes`) speaks of; null for any other label. */
export const shareOfLabel = (label: string): string | null => /^input\.(.+)=yes$/.exec(label)?.[1] ?? null
