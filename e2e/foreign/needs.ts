/** What the foreign client of the tests needs from the host; the answer is the reason to skip, or false. */
import { execFileSync } from 'node:child_process'
import { systemPython } from './system.ts'

function pythonMissing(): string | false {
  try {
    execFileSync(systemPython, ['-c', 'import grpc, google.protobuf'], { stdio: 'pipe' })
    return false
  } catch {
    return 'python3-grpcio and python3-protobuf are not installed'
  }
}

export const noForeignClient = pythonMissing()
if (noForeignClient !== false) process.stderr.write(`skipped: ${noForeignClient}\n`)
