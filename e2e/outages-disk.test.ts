/** Full disks, in small; by hand: `npm run chaos -- --case outage-disk`. */
import { test } from 'vitest'
import { databaseVolumeFull, logStoreFull, mountMissing, spoolFull } from './outages/disk.ts'

const missing = await mountMissing()
if (missing) console.log(`skipped, full disks: ${missing}`)

test.skipIf(missing)('the runner’s spool: cut off with a mark, nothing new until there is room', () =>
  spoolFull(console.log),
)

test.skipIf(missing)('the log store: everything waits, nothing is lost', () => logStoreFull(console.log))

test.skipIf(missing)('the database’s volume: 503 meanwhile, back by itself', () => databaseVolumeFull(console.log))
