import { decodeRecords } from '../../logs/records.ts'
import type { AttemptLog } from '../executor.ts'

/** By offset, as the shipper does. */
export async function readLog(log: AttemptLog): Promise<Buffer> {
  const bytes = Buffer.alloc(log.length())
  for (let at = 0; at < bytes.length;) {
    const read = await log.read(at, bytes.subarray(at))
    if (read === 0) throw new Error(`the log ends at ${at} of ${bytes.length}`)
    at += read
  }
  return bytes
}

export async function textOf(log: AttemptLog, stream: 'stdout' | 'stderr'): Promise<string> {
  const { records } = decodeRecords(await readLog(log))
  return Buffer.concat(records.flatMap((r) => (r.stream === stream ? [r.payload] : []))).toString('latin1')
}
