/** Clocks that jump; by hand: `npm run chaos -- --case outage-clock`. */
import { test } from 'vitest'
import { clockJumps, fakeTimeMissing } from './outages/clock.ts'

if (fakeTimeMissing) console.log(`skipped, the database's clock: ${fakeTimeMissing}`)

test('the date of server, runner and database jumps by an hour and a day: leases and timeouts do not', () =>
  clockJumps(
    { seconds: 1, jumps: { server: [86_400], runner: [-3600], database: [3600, -86_400] }, takeOver: [3600] },
    console.log,
  ))
