/** The database goes away and comes back; the long versions are `npm run chaos -- --case outage-database`. */
import { test } from 'vitest'
import { cutTransactions, embeddedDies, longOutage, shortOutage } from './outages/database.ts'
import { short } from './outages/rig.ts'

test('kill -9 of the postmaster, shorter than the lease: 503 meanwhile, no job is harmed', () =>
  shortOutage({ how: 'kill', seconds: 2 }, console.log))

test('longer than lease and grace: ended by the keeper, run again once, never two at a time', () =>
  longOutage({ seconds: 7, settings: short }, console.log))

test('connections that are cut in the middle of a transaction cost nothing that was promised', () =>
  cutTransactions({ seconds: 2 }, console.log))

test('an embedded PostgreSQL that dies, by kill -9 or an immediate stop, is started again by its server', () =>
  embeddedDies(console.log))
