/**
 * The process of the ways out: one for all attempts of a launcher, so that nothing that a job sends is read in the process
 * that keeps its limits. As root it gives that up at once. It dies with the process that started it, whose words come
 * through stdin.   `node main.ts`, in the directory that becomes its own
 */
import { chmodSync, chownSync } from 'node:fs'
import { createLineReader, createLineWriter } from '../launcher/protocol.ts'
import type { EgressCall, EgressReply } from './protocol.ts'
import { openProxy, type Proxy } from './proxy.ts'

const nobody = 65_534

/** Paths are relative from here on, so the directories above may be closed to us. */
function becomeNobody(): void {
  if (process.getuid?.() !== 0) return
  chownSync('.', nobody, nobody)
  process.setgroups!([])
  process.setgid!(nobody)
  process.setuid!(nobody)
}

// A job's own uid goes on from here to its directory when bubblewrap cannot take it by its descriptor.
chmodSync('.', 0o711)
becomeNobody()

const open = new Map<string, Proxy>()
const say = createLineWriter((text) => process.stdout.write(text))

async function obey(call: EgressCall): Promise<{ refused?: string[] }> {
  if (call.op === 'open') {
    const { name, list, allow } = call
    open.set(name, await openProxy({ dir: name, list, allow }))
    return {}
  }
  const proxy = open.get(call.name)
  open.delete(call.name)
  await proxy?.close()
  return { refused: proxy?.refused() ?? [] }
}

const onLine = (line: string): void => {
  const call = JSON.parse(line) as EgressCall
  obey(call).then(
    (answer) => say({ n: call.n, ok: true, ...answer } satisfies EgressReply),
    (error: Error) => say({ n: call.n, ok: false, error: error.message } satisfies EgressReply),
  )
}
process.stdin.on('data', createLineReader(onLine))
process.stdin.on('end', () => process.exit(0))
process.stdout.on('error', () => process.exit(0))
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {})
