/**
 * A Slurm of one node on private ports, all of it in a directory of its own: munged, slurmctld and slurmd as plain
 * processes. Debian's packages; as root, since slurmd becomes the user of a job. Up in about a second.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../testing/until.ts'
import { allPids, commandLineOf } from '../../processes.ts'
import { runCommand } from '../commands.ts'

const programs = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch']

const missing = programs.find((program) => !existsSync(program))
/** The reason to skip, or false. */
export const noSlurm: string | false =
  process.getuid?.() !== 0
    ? 'a Slurm of its own needs root'
    : missing === undefined
      ? false
      : `${missing} is not installed (apt-get install slurmctld slurmd slurm-client munge)`
if (noSlurm !== false) process.stderr.write(`skipped: ${noSlurm}\n`)

export interface TestCluster {
  dir: string
  /** For SLURM_CONF. */
  conf: string
  stopController(): Promise<void>
  startController(): Promise<void>
  stop(): Promise<void>
}

export async function startCluster(): Promise<TestCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-slurm-'))
  chmodSync(dir, 0o755)
  const at = (name: string): string => join(dir, name)
  mkdirSync(at('munge'), { mode: 0o700 })
  for (const name of ['state', 'spool']) mkdirSync(at(name), { mode: 0o755 })
  writeFileSync(at('munge/key'), randomBytes(128), { mode: 0o400 })
  writeFileSync(at('jobcomp'), '')
  writeFileSync(at('plugstack.conf'), '')
  const conf = at('slurm.conf')
  writeFileSync(conf, configuration(dir, await freePort(), await freePort()))
  const children = new Map<string, ChildProcess>()
  const start = (name: string, program: string, ...args: string[]): void => {
    const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', SLURM_CONF: conf }
    children.set(name, spawn(program, args, { stdio: 'ignore', env, cwd: dir }))
  }
  const end = async (name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const child = children.get(name)
    children.delete(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  const munge = ['--foreground', `--key-file=${at('munge/key')}`, `--socket=${at('munge.sock')}`]
  const mungeFiles = ['pid', 'log', 'seed'].map((name) => `--${name}-file=${at(`munge/${name}`)}`)
  // It would refuse a socket below a directory that others may write to, as the temp directory is.
  start('munged', '/usr/sbin/munged', '--force', ...munge, ...mungeFiles)
  await until(() => existsSync(at('munge.sock')))
  const startController = async (...more: string[]): Promise<void> =>
    start('slurmctld', '/usr/sbin/slurmctld', '-D', '-f', conf, ...more)
  await startController('-c')
  start('slurmd', '/usr/sbin/slurmd', '-D', '-N', 'localhost', '-f', conf)
  const isUp = async (): Promise<boolean> => {
    const { stdout } = await runCommand({ conf }, 'sinfo', ['-h', '-o', '%T']).catch(() => ({ stdout: '' }))
    return /^(?:idle|mixed|allocated)\s*$/.test(stdout)
  }
  try {
    await until(isUp)
  } catch (error) {
    const said = existsSync(at('slurmctld.log')) ? readFileSync(at('slurmctld.log'), 'utf8').slice(-2000) : ''
    for (const name of children.keys()) await end(name)
    throw new Error(`Slurm did not come up on ${hostname()}: ${said}`, { cause: error })
  }
  return {
    dir,
    conf,
    // It writes down what it knows; killed it would give numbers of jobs again.
    stopController: () => end('slurmctld', 'SIGTERM'),
    async startController() {
      await startController()
      await until(isUp)
    },
    async stop() {
      await runCommand({ conf }, 'scancel', ['--signal=KILL', '--full', '-u', 'root,nobody']).catch(() => {})
      for (const name of ['slurmctld', 'slurmd', 'munged']) await end(name)
      // A job's keeper on the node outlives slurmd.
      for (const pid of stepsOf(dir)) process.kill(pid, 'SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** slurmstepd does not name its configuration; its environment does. */
const stepsOf = (dir: string): number[] =>
  allPids().filter((pid) => {
    if (!commandLineOf(pid).startsWith('slurmstepd')) return false
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(dir)
    } catch {
      return false
    }
  })

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** No cgroups of its own: what it finds mounted differs from machine to machine. Memory is looked at every second. */
const configuration = (dir: string, controller: number, node: number): string => `ClusterName=runyard
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${node}
AuthType=auth/munge
AuthInfo=socket=${dir}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.pid
SlurmctldLogFile=${dir}/slurmctld.log
SlurmdLogFile=${dir}/slurmd.log
PlugStackConfig=${dir}/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/filetxt
JobCompLoc=${dir}/jobcomp
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
KillWait=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=64 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
PartitionName=closed Nodes=localhost State=DOWN
`
