/** Full disks: the runner's spool, the log store, the database's volume. Needs root. */
import { databaseVolumeFull, logStoreFull, mountMissing, spoolFull } from '../../e2e/outages/disk.ts'

export async function run(): Promise<void> {
  const missing = await mountMissing()
  if (missing) throw new Error(`cannot run: ${missing}`)
  await spoolFull(console.log)
  await logStoreFull(console.log)
  await databaseVolumeFull(console.log)
}
