/** Files that a job left, from the shared directory to the runner's own disk. */
import type { ReportFound } from '../executor.ts'
import type { ReportFile } from '../output/report-file.ts'
import { readFrom } from './place.ts'

export async function copyReport(from: string, to: ReportFile, late: boolean): Promise<ReportFound> {
  const buffer = Buffer.allocUnsafe(256 * 1024)
  try {
    for (let at = 0; ;) {
      const { bytes } = await readFrom(from, at, buffer)
      if (bytes.length === 0) break
      at += bytes.length
      await to.take(bytes)
    }
  } catch (error) {
    return { path: null, trouble: `cannot be read from the shared directory: ${(error as Error).message}` }
  }
  const found = await to.finish()
  return late ? { ...found, trouble: 'reading them took too long' } : found
}
