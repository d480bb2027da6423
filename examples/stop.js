// Stopping ends the whole process tree, and resolves when nothing of it is left.
import { startJob } from 'runyard'

const polite = await startJob('sh', '-c', 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.05; done')
const reader = polite.newLogReader({ stream: 'stdout' })
console.log((await reader.nextLine()).text, polite.getStatus())
await polite.stop()
console.log((await reader.nextLine()).text, polite.getStatus())

const stubborn = await startJob(
  'sh',
  '-c',
  'trap "" TERM; (setsid sleep 1000 &); echo ready; while :; do sleep 0.05; done',
)
await stubborn.newLogReader().nextLine()
const { signal, remainingProcesses } = await stubborn.stop({ force: true })
console.log(signal, remainingProcesses)

// close() ends what still runs and removes its output; `await using` calls it at the end of a block.
const short = await startJob('sleep', '1000')
console.log(short.getStatus())
await short.close()
console.log('done')

// Prints:
// ready running
// bye terminated
// SIGKILL 0
// running
// done
