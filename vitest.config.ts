import { defineConfig } from 'vitest/config'
import { externalMissing } from './test/servers.ts'

/** Those with SQL of their own; what is built on them asks no other. */
const databaseSuites = [
  'src/db/**/*.test.ts',
  'src/queue/**/*.test.ts',
  'src/access/**/*.test.ts',
  'src/reactions/**/*.test.ts',
  'src/schedules/{scheduler,late}.test.ts',
  'src/failures/incidents.test.ts',
  'src/operations/{event-start,event-triggers}.test.ts',
  'src/pipelines/{start-run,admission-race,start-to-end,load-files,definition-store,retention}.test.ts',
]
/** In the same folders, but without a database: nothing in them can differ there. */
const withoutDatabase = [
  'src/queue/{cascade,ending,explain-waiting,plan-claim,plan-placement,plan-properties,plan-turns}.test.ts',
  'src/access/{keys,permissions,recent-access,secrets}.test.ts',
  'src/reactions/{decide-actions,phrase,phrase-incident,quiet}.test.ts',
]
/** They kill, and wait for leases: a third of their time is work, so two at a time, and nothing else. */
const waiting = [
  'e2e/life.test.ts',
  'e2e/outages-{database,disk,pause,server}.test.ts',
  'e2e/pipelines-kills.test.ts',
  'e2e/readopt.test.ts',
  'e2e/remote-runner.test.ts',
  'e2e/restart.test.ts',
  'e2e/servers.test.ts',
]
/** They fill the machine or stop its clocks: one at a time, after all others. */
const alone = ['e2e/chaos.test.ts', 'e2e/chaos-broken.test.ts', 'e2e/chaos-smoke.test.ts', 'e2e/outages-clock.test.ts']
const wholeSystems = {
  globalSetup: ['test/setup-embedded.ts', 'test/setup-program.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
}
const common = {
  environment: 'node',
  testTimeout: 20_000,
  hookTimeout: 60_000,
  pool: 'forks',
} as const

/** The database suites once more, on an external PostgreSQL. Without one, `npm test` says so. */
const pg15 = externalMissing()
  ? []
  : [
      {
        test: {
          ...common,
          name: 'pg15',
          include: databaseSuites,
          exclude: ['src/db/embedded*.test.ts', 'src/db/embedded/**', ...withoutDatabase],
          globalSetup: ['test/setup-external.ts'],
        },
      },
    ]

export default defineConfig({
  test: {
    // Two cores: more workers only make timeouts of each other.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/**/*.test.ts',
            'bin/**/*.test.ts',
            'deploy/**/*.test.ts',
          ],
          globalSetup: ['test/setup-embedded.ts'],
        },
      },
      ...pg15,
      {
        test: {
          ...common,
          ...wholeSystems,
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...waiting, ...alone],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          ...wholeSystems,
          name: 'e2e-waiting',
          include: waiting,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...common,
          ...wholeSystems,
          name: 'e2e-alone',
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      // Pure functions: a process of their own for each file took six times as long as the tests.
      { test: { ...common, name: 'web', include: ['web/**/*.test.ts', 'web/**/*.test.tsx'], isolate: false } },
    ],
  },
})
