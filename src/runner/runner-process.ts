/** Test fixture: a runner in a process of its own, so that it can be killed. */
import { runRunner, type RunnerConfig } from './main.ts'

const { config, socketPath } = JSON.parse(process.argv[2]!) as { config: RunnerConfig; socketPath: string }
process.exitCode = await runRunner(config, {
  socketPath,
  version: '0',
  onReady: () => void process.stdout.write('ready\n'),
})
