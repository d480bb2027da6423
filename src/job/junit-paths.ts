/** Where a job says that its JUnit XML will be. */
import * as z from 'zod'

export const mostJunitPaths = 20

const junitPath = z
  .string()
  .min(1, 'must name a file')
  .max(1024, 'at most 1024 characters')
  .refine((path) => !/[\0\n]/.test(path) && path.isWellFormed(), 'must be valid Unicode without NUL or line break')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ..')
  .refine((path) => !path.endsWith('/'), 'must name files, e.g. reports/*.xml')

/** `*` and `?` within one name, `**` for any number of directories. Links in between are followed as the job would. */
export const junitPaths = z
  .array(junitPath)
  .min(1, 'must name at least one path, e.g. ["reports/*.xml"]')
  .max(mostJunitPaths, `at most ${mostJunitPaths} paths`)
