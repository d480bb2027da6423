/** One job prints 10 MB a second; many follow it over WebSockets of their own, and one of them stops reading. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readServerFile, type System } from '../../e2e/system.ts'
import { submitOne, withSystem } from '../benched-system.ts'
import { cpuOf, memoryOfTree, percentile, type Figure } from '../figures.ts'
import type { ReadersAnswer, ReadersOrder } from '../readers.ts'

const seconds = 10
const perSecond = 10_000_000

export const followers = (): Promise<Figure[]> =>
  withSystem(async (system) => [...(await follow(system, 1)), ...(await follow(system, 100))])

async function follow(system: System, count: number): Promise<Figure[]> {
  // 100 lines of 100,000 bytes a second; each begins with its time, so that a reader knows its lag.
  const line = `const l='x'.repeat(99985);let n=0;const t=setInterval(()=>{process.stdout.write(Date.now()+' '+l+'\\n');
    if(++n===${seconds * 100}){clearInterval(t)}},10)`
  const command = [process.execPath, '-e', line]
  const limits = { output_bytes: 4 * 1024 ** 3 }
  const { pid } = await readServerFile(system)
  const before = await memoryOfTree(pid)
  let most = before
  const watch = setInterval(() => void memoryOfTree(pid).then((now) => (most = Math.max(most, now))), 500)
  const jobId = await submitOne(system, { command, limits, isolation: 'none' })
  const begun = performance.now()
  const cpuBefore = await cpuOf(pid)
  const { bytes, lags } = await readers({ url: system.url, token: system.token, jobId, count })
  const took = (performance.now() - begun) / 1000
  clearInterval(watch)
  const cpuMs = (await cpuOf(pid)) - cpuBefore
  const expected = seconds * 100 * 100_000
  const short = bytes.filter((got) => got !== expected)
  if (short.length > 0) throw new Error(`${short.length} of ${count} followers got ${short[0]} of ${expected} bytes`)
  const all = (count * expected) / took / 1e6
  const name = `${count} follower${count === 1 ? '' : 's'} of ${perSecond / 1e6} MB/s, one more stalled`
  return [
    { name: `${name}: delivered without loss`, value: all, unit: 'MB/s' },
    { name: `${name}: lag p50`, value: percentile(lags, 0.5), unit: 'ms' },
    { name: `${name}: lag p99`, value: percentile(lags, 0.99), unit: 'ms' },
    { name: `${name}: CPU of the server for each MB printed`, value: cpuMs / (expected / 1e6), unit: 'ms' },
    { name: `${name}: growth of the server (PSS)`, value: most - before, unit: 'MiB' },
  ]
}

/** In a process of their own: a hundred readers beside the one who watches would be what is measured. */
async function readers(order: ReadersOrder): Promise<ReadersAnswer> {
  const child = fork(new URL('../readers.ts', import.meta.url), { env: { READERS: JSON.stringify(order) } })
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`the readers ended with ${code}`)
  })
  const [answer] = (await Promise.race([once(child, 'message'), exit])) as [ReadersAnswer]
  exit.catch(() => {})
  return answer
}
