// A job, its output line by line, and how it ended.
import { startJob } from 'runyard'

const job = await startJob('sh', '-c', 'echo "Hello World"; echo "and goodbye" >&2; exit 3')
for await (const { stream, text } of job.newLogReader()) console.log(`${stream}: ${text}`)

const { status, exitCode, remainingProcesses } = await job.result
console.log(status, exitCode, remainingProcesses)

// Prints:
// stdout: Hello World
// stderr: and goodbye
// failed 3 0
