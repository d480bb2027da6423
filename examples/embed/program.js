// A Node program with Runyard inside: it starts a run, follows its output and stops. Usage: node program.js PROJECT_DIR DATA_DIR
import { createRunyard } from 'runyard'

const [project, dataDir] = process.argv.slice(2)
const runyard = await createRunyard({
  dataDir,
  pipelines: [project],
  // Who asks over HTTP, by the program's own sign-in; null leaves it to Runyard's tokens and sessions.
  authenticate: ({ headers }) => (headers['x-user'] === 'anna' ? { username: 'anna', role: 'operator' } : null),
})
try {
  const run = await runyard.schedule('release', { variables: { version: '1.2' }, signal: AbortSignal.timeout(60_000) })
  const { status } = await run.ended
  for (const { name, state } of await run.tasks()) console.log(`${name}: ${state}`)
  for await (const { bytes } of run.output('announce')) process.stdout.write(bytes)
  process.exitCode = status === 'succeeded' ? 0 : 1
} finally {
  await runyard.stop()
}
