import { onTestFinished, expect, test } from 'vitest'
import { killActions } from '../../test/action-kills.ts'
import { testDatabase } from '../../test/database.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'

test('servers that are killed at any moment between an end and its actions: each takes effect exactly once', async () => {
  const { db, url, drop } = await testDatabase()
  const dataDir = scratchDir('k')
  onTestFinished(async () => {
    await drop()
    removeScratch(dataDir)
  })
  const killed = await killActions({ db, databaseUrl: url, dataDir }, { lives: 30 })
  expect(killed).toMatchObject({ kills: 30, violations: [] })
  expect(killed.runs).toBeGreaterThanOrEqual(90)
  expect(Object.values(killed.byPoint)).toEqual([6, 6, 6, 6, 6])
}, 120_000)
