/** Durable jobs per second, submitted over REST in one call, log and result of each kept; and the CPU that one costs. */
import { rootOf, runAll, withSystem, type Spec } from '../benched-system.ts'
import { cpuOfTree, shell, timed, type Figure } from '../figures.ts'
import { bareSandbox } from './bare-sandbox.ts'

const count = 4000

export const throughput = (): Promise<Figure[]> =>
  withSystem(async (system) => {
    const figures: Figure[] = []
    const measure = async (name: string, spec: Spec, control: { name: string; line: string }) => {
      // The first few make caches, slots and JIT what they are in a system at work.
      await runAll(system, Array<Spec>(200).fill(spec))
      const before = await cpuOfTree(rootOf(system))
      const seconds = await timed(() => runAll(system, Array<Spec>(count).fill(spec)))
      const cpuMs = (await cpuOfTree(rootOf(system))) - before
      const alone = await shell(control.line)
      figures.push(
        {
          name: `durable jobs/s, ${name}`,
          value: count / seconds,
          unit: '/s',
          control: { name: control.name, value: count / alone },
        },
        { name: `CPU of the whole system per job, ${name}, the job's own included`, value: cpuMs / count, unit: 'ms' },
      )
    }
    const xargs = (command: string) => ({ name: 'xargs -P2', line: `seq ${count} | xargs -P2 -n1 ${command}` })
    const none = { isolation: 'none' }
    await measure('isolation none, true', { command: ['/bin/true'], ...none }, xargs('/bin/true'))
    await measure(
      "isolation none, sh -c 'echo'",
      { command: ['/bin/sh', '-c', 'echo hello'], ...none },
      xargs("sh -c 'echo hello'"),
    )
    const bare = await bareSandbox(['/bin/true'])
    await measure(
      'sandboxed, true',
      { command: ['/bin/true'] },
      { name: 'bare bwrap, same recipe, -P8', line: `seq ${count} | xargs -P8 -I_ ${bare.line}` },
    )
    await bare.remove()
    return figures
  })
