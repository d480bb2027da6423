// Any number of readers, each from the first byte and at its own pace.
import { setTimeout as sleep } from 'node:timers/promises'
import { startJob } from 'runyard'

const job = await startJob('sh', '-c', 'for i in 1 2 3; do echo line $i; sleep 0.1; done')

const slow = job.newLogReader()
console.log('slow reader:', (await slow.nextLine()).text)

for await (const { text } of job.newLogReader()) console.log('fast reader:', text)

while (true) {
  // Does not wait: undefined would mean that there is none yet.
  const line = await slow.nextLineNow()
  if (line === null) break
  if (line === undefined) await sleep(50)
  else console.log('slow reader:', line.text)
}

// Prints:
// slow reader: line 1
// fast reader: line 1
// fast reader: line 2
// fast reader: line 3
// slow reader: line 2
// slow reader: line 3
