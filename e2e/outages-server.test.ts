/** The server goes away and comes back; the long versions are `npm run chaos -- --case outage-server`. */
import { test } from 'vitest'
import { rollingRestart, serverAway } from './outages/server.ts'

test('kill -9 and SIGTERM of the server: jobs run on, followers see every byte once', () =>
  serverAway({ seconds: 1 }, console.log))

test('restarts of server and runner under load lose nothing', () =>
  rollingRestart({ jobs: 120, rounds: 2 }, console.log))
