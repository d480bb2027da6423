import { defineConfig } from 'vitest/config'
import { externalMissing } from './test/servers.ts'

const databaseSuites = [
  'src/db/**/*.test.ts',
  'src/queue/**/*.test.ts',
  'src/access/**/*.test.ts',
  'src/operations/**/*.test.ts',
]
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
          exclude: ['src/db/embedded*.test.ts', 'src/db/embedded/**'],
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
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts', 'bin/**/*.test.ts'],
          globalSetup: ['test/setup-embedded.ts'],
        },
      },
      ...pg15,
      {
        test: {
          ...common,
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['test/setup-embedded.ts', 'test/setup-program.ts'],
          // One at a time, after all others: they start whole systems and kill them by the clock.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { test: { ...common, name: 'web', include: ['web/**/*.test.ts', 'web/**/*.test.tsx'] } },
    ],
  },
})
