/** One job prints 10 MB a second; many follow it over WebSockets of their own, and one of them stops reading. */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { readServerFile, type System } from '../../e2e/system.ts'
import { submitOne, withSystem } from '../benched-system.ts'
import { memoryOfTree, percentile, type Figure } from '../figures.ts'

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
  const lags: number[] = []
  const readers = Array.from({ length: count }, () => reader(system, jobId, lags))
  const stalled = stall(system, jobId)
  const bytes = await Promise.all(readers)
  const took = (performance.now() - begun) / 1000
  clearInterval(watch)
  stalled.terminate()
  const expected = seconds * 100 * 100_000
  const short = bytes.filter((got) => got !== expected)
  if (short.length > 0) throw new Error(`${short.length} of ${count} followers got ${short[0]} of ${expected} bytes`)
  const all = (count * expected) / took / 1e6
  const name = `${count} follower${count === 1 ? '' : 's'} of ${perSecond / 1e6} MB/s, one more stalled`
  return [
    { name: `${name}: delivered without loss`, value: all, unit: 'MB/s' },
    { name: `${name}: lag p50`, value: percentile(lags, 0.5), unit: 'ms' },
    { name: `${name}: lag p99`, value: percentile(lags, 0.99), unit: 'ms' },
    { name: `${name}: growth of the server (PSS)`, value: most - before, unit: 'MiB' },
  ]
}

const open = (system: System, jobId: string): WebSocket => {
  const socket = new WebSocket(`${system.url.replace('http', 'ws')}/api/v1/ws`, {
    headers: { authorization: `Bearer ${system.token}` },
    perMessageDeflate: false,
  })
  const message = { type: 'subscribe', id: 'log', topic: 'log', job_id: jobId, stream: 'stdout', offset: 0 }
  socket.on('open', () => socket.send(JSON.stringify(message)))
  return socket
}

/** Counts the bytes without decoding them: the reader must not be what is measured. */
function reader(system: System, jobId: string, lags: number[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = open(system, jobId)
    let bytes = 0
    socket.on('message', (data: Buffer) => {
      const from = data.indexOf('"data":"') + 8
      if (from > 8) {
        const to = data.indexOf(34, from)
        const padding = data[to - 1] === 61 ? (data[to - 2] === 61 ? 2 : 1) : 0
        bytes += ((to - from) / 4) * 3 - padding
        const time = /"time":(\d+)/.exec(data.toString('latin1', 0, Math.min(from, 300)))?.[1]
        if (time !== undefined && Math.random() < 0.05) lags.push(Date.now() - Number(time))
      } else if (data.includes('"log_end"')) {
        socket.close()
        resolve(bytes)
      } else if (data.includes('"type":"error"')) reject(new Error(data.toString()))
    })
    socket.on('error', reject)
  })
}

function stall(system: System, jobId: string): WebSocket {
  const socket = open(system, jobId)
  socket.on('open', () => void sleep(200).then(() => socket.pause()))
  socket.on('error', () => {})
  return socket
}
