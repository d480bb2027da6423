/**
 * Followers of one job in a process of their own: `node bench/readers.ts` with what to do as JSON in its environment,
 * started by `cases/followers.ts`. Answers when all but the stalled one have read to the end.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

export interface ReadersOrder {
  url: string
  token: string
  jobId: string
  count: number
}

export interface ReadersAnswer {
  /** Of each follower. */
  bytes: number[]
  lags: number[]
}

const order = JSON.parse(process.env['READERS']!) as ReadersOrder
const lags: number[] = []

const stalled = open()
stalled.on('open', () => void sleep(200).then(() => stalled.pause()))
stalled.on('error', () => {})
const bytes = await Promise.all(Array.from({ length: order.count }, reader))
process.send!({ bytes, lags } satisfies ReadersAnswer, () => process.exit(0))

function open(): WebSocket {
  const socket = new WebSocket(`${order.url.replace('http', 'ws')}/api/v1/ws`, {
    headers: { authorization: `Bearer ${order.token}` },
    perMessageDeflate: false,
    skipUTF8Validation: true,
  })
  const message = { type: 'subscribe', id: 'log', topic: 'log', job_id: order.jobId, stream: 'stdout', offset: 0 }
  socket.on('open', () => socket.send(JSON.stringify(message)))
  return socket
}

/** Counts the bytes without decoding them: the reader must not be what is measured. */
function reader(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = open()
    let bytes = 0
    socket.on('message', (data: Buffer) => {
      const from = data.indexOf('"data":"') + 8
      if (from > 8) {
        const to = data.length - 2
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
