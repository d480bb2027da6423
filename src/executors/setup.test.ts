import { expect, test } from 'vitest'
import { applySetup, stepsFor, type SetupFacts } from './setup.ts'

const good: SetupFacts = {
  uid: 0,
  owner: { uid: 0, gid: 0 },
  sudo: false,
  packageManager: 'apt-get',
  missingPrograms: [],
  isolationProblem: null,
  apparmorRestricts: false,
  cgroup: 'v2',
  cgroupProblems: new Map(),
  v1Mounts: [],
  hasSystemd: true,
}
const user = { uid: 1000, owner: { uid: 1000, gid: 1000 } }
const stepsOf = (over: Partial<SetupFacts>) => stepsFor({ ...good, ...over }).steps

test('nothing to do where everything is there', () => {
  expect(stepsFor(good)).toEqual({
    present: ['bubblewrap and the system tools', 'sandboxes start', 'cgroups (v2) for the limits'],
    steps: [],
  })
})

test.each([
  ['apt-get', ['apt-get update -q', 'apt-get install -y -q --no-install-recommends bubblewrap']],
  ['dnf', ['dnf install -y bubblewrap']],
  ['apk', ['apk add bubblewrap']],
] as const)('%s as root', (packageManager, commands) => {
  expect(stepsOf({ packageManager, missingPrograms: ['bwrap'] })).toEqual([{ title: 'install bwrap', commands }])
})

test('an ordinary user: with sudo it is done, without it is shown', () => {
  expect(stepsOf({ ...user, sudo: true, missingPrograms: ['bwrap'] })[0]).toEqual({
    title: 'install bwrap',
    commands: ['sudo apt-get update -q', 'sudo apt-get install -y -q --no-install-recommends bubblewrap'],
  })
  expect(stepsOf({ ...user, missingPrograms: ['bwrap'] })[0]?.manual).toContain('needs root')
  expect(stepsOf({ packageManager: null, missingPrograms: ['bwrap'] })[0]?.manual).toContain('no known package manager')
})

test('v1 bases are made for the user, also when that user typed sudo', () => {
  const cgroup: Partial<SetupFacts> = {
    cgroup: 'hybrid',
    cgroupProblems: new Map([['/sys/fs/cgroup/memory', 'no permission to make a cgroup (EACCES)']]),
    v1Mounts: ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/memory'],
  }
  const lines = ['mkdir -p /sys/fs/cgroup/memory/runyard-1000', 'chown -R 1000:1000 /sys/fs/cgroup/memory/runyard-1000']
  expect(stepsOf({ ...cgroup, uid: 0, owner: user.owner })[0]?.commands).toEqual(lines)
  expect(stepsOf({ ...cgroup, ...user, sudo: true })[0]?.commands).toEqual(lines.map((line) => `sudo ${line}`))
})

test('v2 asks systemd to hand the controllers down; read-only says so', () => {
  const problems = new Map([['/sys/fs/cgroup', 'no permission to make a cgroup (EACCES)']])
  expect(stepsOf({ ...user, sudo: true, cgroupProblems: problems })[0]?.commands[0]).toContain(
    'Delegate=cpu cpuset io memory pids',
  )
  expect(stepsOf({ ...user, sudo: true, cgroupProblems: problems, hasSystemd: false })[0]?.manual).toContain(
    'without systemd',
  )
  expect(stepsOf({ cgroupProblems: new Map([['/sys/fs/cgroup', 'mounted read-only']]) })[0]?.manual).toContain(
    'read-only',
  )
})

test('user namespaces: the setting that forbids them is named', () => {
  expect(
    stepsOf({ isolationProblem: 'setting up uid map: Permission denied', apparmorRestricts: true })[0]?.commands[0],
  ).toContain('apparmor')
  expect(stepsOf({ isolationProblem: 'x (kernel.unprivileged_userns_clone=1)' })[0]?.commands[0]).toContain(
    'sysctl -w kernel.unprivileged_userns_clone=1',
  )
})

test('steps run in order, a failure is told with its last words, and manual steps are shown', async () => {
  const said: string[] = []
  const { done } = await applySetup(
    {
      present: [],
      steps: [
        { title: 'one', commands: ['true'] },
        { title: 'two', commands: ['echo first >&2; echo no way >&2; false', 'echo never'] },
        { title: 'three', commands: ['sudo make three'], manual: 'needs root' },
      ],
    },
    (line) => said.push(line),
  )
  expect(done).toBe(false)
  expect(said).toContain('done: one')
  expect(said).toContain('failed: two: no way')
  expect(said.join('\n')).not.toContain('never')
  expect(said).toContain('left to do: three (needs root)')
  expect(said).toContain('  sudo make three')
})

test('what only limits need does not stand in the way: jobs can run', async () => {
  const problems = new Map([['/sys/fs/cgroup/memory', 'EACCES']])
  const steps = stepsOf({ ...user, cgroup: 'hybrid', cgroupProblems: problems, v1Mounts: [...problems.keys()] })
  expect(steps).toHaveLength(1)
  expect(await applySetup({ present: [], steps }, () => {})).toEqual({ done: false, ready: true })
  const needed = { title: 'install bwrap', commands: ['sudo apt-get install bwrap'], manual: 'needs root' }
  expect(await applySetup({ present: [], steps: [...steps, needed] }, () => {})).toEqual({ done: false, ready: false })
})
