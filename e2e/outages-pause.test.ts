/** Processes that stand still; all of them for all times: `npm run chaos -- --case outage-pause`. */
import { test } from 'vitest'
import { parts, pauses } from './outages/pause.ts'
import { medium, short } from './outages/rig.ts'

test('half a lease, whoever stands still: nobody is harmed', () =>
  pauses({ leaseSeconds: 6, settings: medium, rounds: [{ parts, leases: [0.5] }] }, console.log))

test('four leases of the runner: never two attempts at a time', () =>
  pauses({ leaseSeconds: 3, settings: short, rounds: [{ parts: ['runner'], leases: [4] }] }, console.log))
