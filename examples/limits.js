// What a job may use, and what it sees: a private empty directory, no network, nothing of our environment.
import { startJob } from 'runyard'

const looking = await startJob(
  'sh',
  '-c',
  'pwd; ls -A | wc -l; ls /sys/class/net 2>/dev/null | wc -l; echo "$GREETING"',
  {
    env: { GREETING: 'hello' },
  },
)
for await (const { text } of looking.newLogReader()) console.log(text)

// Limits are held by cgroups, which an ordinary user may not have: the refusal names the limit and the reason.
const greedy = await startJob('tail', '/dev/zero', {
  limits: { memoryBytes: 32 * 1024 * 1024, cpu: 0.5, pids: 10 },
}).catch((error) => {
  console.error(error.message)
  process.exit(1)
})
console.log((await greedy.result).message)

const slow = await startJob('sleep', '60', { timeoutSeconds: 0.5 })
console.log((await slow.result).message)

// A limit that cannot be right, or that this host cannot hold, refuses the job. Nothing runs unlimited in silence.
await startJob('true', { limits: { memoryBytes: 1 } }).catch((error) => console.log(error.code, error.message))

// Prints:
// /job
// 0
// 0
// hello
// killed for using more than its 32 MiB of memory
// timed out after 0.5 s
// invalid_argument limits.memoryBytes: at least 4 MiB
