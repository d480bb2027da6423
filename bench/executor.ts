/**
 * How fast attempts start and end through the executor alone, without server and runner: `node bench/executor.ts
 * [none|full|output|first-byte …]`. Controls: `xargs` with the same command, and bare bubblewrap with the same recipe.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { AttemptOrder, Executor } from '../src/executors/executor.ts'
import { connectLauncher, createSandboxExecutor } from '../src/executors/index.ts'
import { sandboxLaunch } from '../src/executors/sandbox/isolation.ts'
import { bwrapSupport } from '../src/executors/sandbox/ground.ts'
import { seccompFilter } from '../src/executors/sandbox/seccomp.ts'
import { statOf } from '../src/executors/processes.ts'

const jobs = Number(process.env.JOBS ?? 1000)
const slots = Number(process.env.SLOTS ?? 8)
const root = mkdtempSync(join(tmpdir(), 'runyard-bench-'))
const MiB = 1024 * 1024
let counter = 0

const order = (command: string[], isolation: 'none' | 'full', slot: number): AttemptOrder => ({
  key: `1-${++counter}`,
  spec: {
    name: 'bench',
    command,
    queue: 'default',
    priority: 5,
    max_attempts: 1,
    stop_grace_seconds: 5,
    executor: 'sandbox',
    isolation,
    network: 'none',
  },
  env: { RUNYARD_JOB_ID: 'abcdef012345', RUNYARD_ATTEMPT: '1' },
  secretEnv: {},
  limits: { cpu: 2, memory_bytes: 512 * MiB, pids: 256, open_files: 1024, disk_bytes: 256 * MiB },
  named: [],
  timeoutMs: 60_000,
  stopGraceMs: 5000,
  slot,
  keepForMs: 50_000,
  note: { job: 'abcdef012345' },
})

/** Its own and its children's. */
const cpuMs = (pid: number | null): number => (pid === null ? 0 : (statOf(pid)?.ticks ?? 0) * 10)
const ownMs = (): number => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000
const rss = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

async function many(executor: Executor, isolation: 'none' | 'full', count: number): Promise<number> {
  let left = count
  const begun = performance.now()
  const worker = async (slot: number): Promise<void> => {
    while (left-- > 0) {
      const attempt = await executor.start(order(['/bin/true'], isolation, slot))
      const { exitCode } = await attempt.ended
      if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`)
      void attempt.release()
    }
  }
  await Promise.all(Array.from({ length: slots }, (_, slot) => worker(slot)))
  return count / ((performance.now() - begun) / 1000)
}

function control(isolation: 'none' | 'full', count: number, support: Awaited<ReturnType<typeof bwrapSupport>>): number {
  let command = '/bin/true'
  if (isolation === 'full') {
    const launch = sandboxLaunch({
      command: ['/bin/true'],
      env: {},
      hostname: 'abcdef012345',
      network: 'none',
      diskBytes: 256 * MiB,
      workingDir: null,
      binds: [],
      status: '/dev/null',
      seccomp: seccompFilter(),
      supports: support!,
      limiter: [],
      stdout: '/dev/null',
      stderr: '/dev/null',
    })
    const opens = launch.fds.map((f) => {
      if (!('data' in f)) return `${f.fd}${f.open === 'read' ? '<' : '>'}${f.path}`
      const path = join(root, `fd-${f.fd}`)
      writeFileSync(path, f.data)
      return `${f.fd}<${path}`
    })
    command = join(root, 'bare')
    const exec = `exec setpriv --reuid=390000 --regid=390000 --clear-groups bwrap ${launch.argv.slice(1).join(' ')}`
    writeFileSync(command, `#!/bin/bash\n${exec} ${opens.join(' ')}\n`, { mode: 0o755 })
    // Without the shell and setpriv per job, which are not bubblewrap's cost: as ours, from one small parent.
    writeFileSync(join(root, 'bare.pl'), bareLoop(launch.argv, opens, count))
    const begun = performance.now()
    execFileSync('perl', [join(root, 'bare.pl')], { stdio: 'inherit' })
    return count / ((performance.now() - begun) / 1000)
  }
  const begun = performance.now()
  execFileSync('sh', ['-c', `seq ${count} | xargs -P2 -n1 ${command} > /dev/null`])
  return count / ((performance.now() - begun) / 1000)
}

/** Forks and execs bubblewrap in two rows, nothing else. */
const bareLoop = (argv: string[], opens: string[], count: number): string => `
use POSIX ();
my @rows = map { my $pid = fork; if (!$pid) { for (1 .. ${Math.round(count / 2)}) { my $p = fork; if (!$p) {
${opens.map((o) => o.replace(/^(\d+)([<>])(.*)$/, (_m, fd: string, dir: string, path: string) => `POSIX::dup2(POSIX::open("${path}", ${dir === '<' ? 'POSIX::O_RDONLY()' : 'POSIX::O_WRONLY()'}), ${fd});`)).join('\n')}
$) = "390000 390000"; $( = 390000; $> = 390000; $< = 390000; POSIX::setuid(390000);
exec { "/usr/bin/bwrap" } ${argv.map((a) => `'${a}'`).join(', ')}; POSIX::_exit(1) } waitpid $p, 0; $? and die "bwrap: $?" } POSIX::_exit(0) } $pid } 1 .. 2;
waitpid $_, 0 for @rows;
`

const runDir = join(root, 'run')
mkdirSync(runDir)
const launcher = await connectLauncher({ socketPath: join(runDir, 'launcher.sock'), spawnIfMissing: true })
const options = {
  attemptsDir: join(root, 'attempts'),
  uidBase: 390_000,
  uidCount: 64,
  allowIsolationNone: true,
  allowNetworkHost: false,
  allowedWorkdirs: [],
  allowedReadOnlyBinds: [],
  allowedReadWriteBinds: [],
  launcher,
}
const executor = createSandboxExecutor(options)
const wanted = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['none', 'full', 'output', 'first-byte']
try {
  await executor.attempts()
  const { pid, starter } = await launcher.call({ op: 'hello' })
  const support = await bwrapSupport()
  for (const isolation of ['none', 'full'] as const) {
    if (!wanted.includes(isolation)) continue
    const count = isolation === 'none' ? jobs : Math.round(jobs / 3)
    await many(executor, isolation, 50)
    for (let round = 0; round < 3; round++) {
      // A host that is busy with other things shows in the rates, not in these.
      const bareCpu = cpuMs(process.pid)
      const bare = control(isolation, count, support)
      const bareMs = (cpuMs(process.pid) - bareCpu) / count
      const before = [ownMs(), cpuMs(pid), cpuMs(starter)] as const
      const rate = await many(executor, isolation, count)
      const [own, ours, theirs] = [ownMs(), cpuMs(pid), cpuMs(starter)].map((now, i) => (now - before[i]!) / count) as [
        number,
        number,
        number,
      ]
      console.log(
        `${isolation}: ${rate.toFixed(0)} jobs/s, control ${bare.toFixed(0)}/s (${(rate / bare).toFixed(2)}); CPU ms/job: ` +
          `runner side ${own.toFixed(2)}, launcher ${ours.toFixed(2)}, starter and jobs ${theirs.toFixed(2)}; control ${bareMs.toFixed(2)} (${(bareMs / (own + ours + theirs)).toFixed(2)})`,
      )
    }
  }
  if (wanted.includes('output')) {
    const command = ['sh', '-c', 'head -c 1000000000 /dev/zero']
    const small = rss(pid)
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, rss(pid))), 20)
    const begun = performance.now()
    const attempt = await executor.start(order(command, 'none', 0))
    await attempt.ended
    clearInterval(watch)
    const seconds = (performance.now() - begun) / 1000
    console.log(
      `output: ${(attempt.log.length() / 1e6 / seconds).toFixed(0)} MB/s recorded of ${attempt.log.length()} bytes, launcher grew by ${(most - small).toFixed(0)} MiB to ${most.toFixed(0)}`,
    )
    await attempt.release()
  }
  if (wanted.includes('first-byte')) {
    const other = await connectLauncher({ socketPath: join(runDir, 'launcher.sock'), spawnIfMissing: false })
    const cold = createSandboxExecutor({ ...options, launcher: other, warm: { most: 0 } })
    for (const name of ['none', 'cold', 'warm'] as const) {
      const times: number[] = []
      for (let i = 0; i < 40; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        const next = order(['sh', '-c', 'echo x; sleep 0.1'], name === 'none' ? 'none' : 'full', 0)
        const begun = performance.now()
        const attempt = await (name === 'warm' ? executor : cold).start(next)
        await new Promise<void>((resolve) => {
          if (attempt.log.length() > 0) resolve()
          else attempt.log.onGrown(resolve)
        })
        times.push(performance.now() - begun)
        await attempt.ended
        await attempt.release()
      }
      times.sort((a, b) => a - b)
      const { warm } = await launcher.call({ op: 'hello' })
      console.log(
        `first byte, ${name} (${warm.used} were warm): p50 ${times[20]!.toFixed(1)} ms, p95 ${times[37]!.toFixed(1)} ms`,
      )
    }
    await other.close()
  }
} finally {
  await executor.close()
  await launcher.close()
  rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
}
