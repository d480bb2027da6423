/** Every command: its name, one line for the overview, and the file that does it. */
import type { Command } from 'commander'

export interface CommandEntry {
  name: string
  summary: string
  load: () => Promise<{ define: (command: Command) => void }>
  /** `run` exits with the job's code, so its own failures, wrong usage included, have a code of their own. */
  ownExitCode?: number
  hidden?: boolean
}

export const commands: CommandEntry[] = [
  {
    name: 'run',
    summary: 'run a command, follow its output, exit with its code',
    load: () => import('./commands/run.ts'),
    ownExitCode: 125,
  },
  { name: 'start', summary: 'start a job in the background, print its id', load: () => import('./commands/start.ts') },
  { name: 'stop', summary: 'stop jobs with their whole process tree', load: () => import('./commands/stop.ts') },
  { name: 'status', summary: 'how a job is', load: () => import('./commands/status.ts') },
  { name: 'log', summary: "a job's output, byte for byte; -f follows", load: () => import('./commands/log.ts') },
  { name: 'artifact', summary: 'files that a job left: list, download', load: () => import('./commands/artifact.ts') },
  { name: 'ls', summary: 'list jobs, newest first', load: () => import('./commands/ls.ts') },
  { name: 'rerun', summary: 'submit a job again as it was', load: () => import('./commands/rerun.ts') },
  { name: 'rm', summary: 'delete an ended job and its logs', load: () => import('./commands/rm.ts') },
  { name: 'batch', summary: 'many jobs as one: submit, watch, repeat', load: () => import('./commands/batch.ts') },
  {
    name: 'pipeline',
    summary: 'pipelines: start, watch, repeat, approve',
    load: () => import('./commands/pipeline.ts'),
  },
  { name: 'event', summary: 'stored automations: make, run, change', load: () => import('./commands/event.ts') },
  {
    name: 'schedule',
    summary: 'when pipelines and events start by themselves',
    load: () => import('./commands/schedule.ts'),
  },
  { name: 'webhook', summary: 'who else may start an event, signed', load: () => import('./commands/webhook.ts') },
  { name: 'queue', summary: 'queues and their limits', load: () => import('./commands/queue.ts') },
  { name: 'host', summary: 'hosts that jobs run on over SSH', load: () => import('./commands/host.ts') },
  { name: 'image', summary: 'images for jobs in containers', load: () => import('./commands/image.ts') },
  {
    name: 'channel',
    summary: 'where messages go, their templates, what became of them',
    load: () => import('./commands/channel.ts'),
  },
  {
    name: 'tool',
    summary: 'what channels can do, and which fields that takes',
    load: () => import('./commands/tool.ts'),
  },
  { name: 'dead', summary: 'failed jobs: do them again, or dismiss them', load: () => import('./commands/dead.ts') },
  { name: 'incident', summary: 'what goes wrong, from its opening on', load: () => import('./commands/incident.ts') },
  { name: 'suggest', summary: 'limits that would do, by past use', load: () => import('./commands/suggest.ts') },
  { name: 'stats', summary: 'durations, success, waits, use', load: () => import('./commands/stats.ts') },
  { name: 'var', summary: 'variables that scripts read and write', load: () => import('./commands/var.ts') },
  {
    name: 'secret',
    summary: 'secrets of events, and the key that seals them',
    load: () => import('./commands/secret.ts'),
  },
  { name: 'up', summary: 'database, server and runner for this machine', load: () => import('./commands/up.ts') },
  { name: 'down', summary: 'stop what `up` or `start` left running', load: () => import('./commands/down.ts') },
  { name: 'setup', summary: 'install what this machine lacks', load: () => import('./commands/setup.ts') },
  { name: 'doctor', summary: 'what this machine can do, and each fix', load: () => import('./commands/doctor.ts') },
  { name: 'server', summary: 'the control plane alone', load: () => import('./commands/server.ts') },
  { name: 'runner', summary: 'a runner: enrol a machine, list them', load: () => import('./commands/runner.ts') },
  {
    name: 'config',
    summary: 'every setting, its value and where it is from',
    load: () => import('./commands/config.ts'),
  },
  { name: 'init-db', summary: 'create or update the database', load: () => import('./commands/init-db.ts') },
  { name: 'backup', summary: 'all of a running system in one file', load: () => import('./commands/backup.ts') },
  { name: 'restore', summary: 'a system from a backup', load: () => import('./commands/restore.ts') },
  { name: 'user', summary: 'people who may sign in', load: () => import('./commands/user.ts') },
  { name: 'token', summary: 'your API tokens', load: () => import('./commands/token.ts') },
  { name: 'prunner', summary: "tokens for prunner's clients", load: () => import('./commands/prunner.ts') },
  { name: 'audit', summary: 'who did what: look, export, verify', load: () => import('./commands/audit.ts') },
  { name: 'certs', summary: 'certificates: the authority, issue, revoke', load: () => import('./commands/certs.ts') },
  { name: 'login', summary: 'sign in to a server, here or elsewhere', load: () => import('./commands/login.ts') },
  { name: 'logout', summary: 'forget that login', load: () => import('./commands/logout.ts') },
]
