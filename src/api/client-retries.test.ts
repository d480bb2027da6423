import { expect, test, vi } from 'vitest'
import { createFollowRetries } from './client-retries.ts'
import { createApiClient } from './client.ts'

test('tells how long the server is away, gives up after a minute, and begins anew when it was there', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  try {
    const told: number[] = []
    const retries = createFollowRetries((ms) => told.push(ms))
    const failOnce = async (): Promise<void> => {
      retries.asking()
      const pausing = retries.pause()
      await vi.runAllTimersAsync()
      await pausing
    }
    for (let tries = 0; tries < 20; tries++) {
      expect(retries.mayGoOn()).toBe(true)
      await failOnce()
    }
    expect(retries.mayGoOn()).toBe(false)
    expect(told[0]).toBe(0)
    expect(told.at(-1)).toBeGreaterThan(30_000)
    expect(told.at(-1)).toBeLessThan(90_000)

    // A job that says nothing for a while, over a connection that held.
    retries.asking()
    vi.advanceTimersByTime(40_000)
    expect(retries.mayGoOn()).toBe(true)
    await failOnce()
    expect(told.at(-1)).toBe(0)
    retries.heard()
    await failOnce()
    expect(told.at(-1)).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('over REST too a server that was never there is not waited for', async () => {
  const client = createApiClient({ baseUrl: 'http://127.0.0.1:9' })
  const away: number[] = []
  const events = client.followLog({ jobId: 'aaaaaaaaaaaa' }, undefined, (ms) => away.push(ms))
  await expect(events.next()).rejects.toThrow('no Runyard server answers at http://127.0.0.1:9')
  expect(away).toEqual([])
})
