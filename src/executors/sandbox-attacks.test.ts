/** Rows S1 to S5 of the threat model that no other test of the sandbox has: what a hostile job tries first. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noCgroups, noPerl, noSandbox, notRoot } from './testing/needs.ts'
import type { Overrides } from './testing/orders.ts'
import { createRig, type Rig } from './testing/rig.ts'
import { until } from './testing/until.ts'

const MiB = 1024 * 1024

describe.skipIf(noSandbox || noPerl)('a hostile job', () => {
  let rig: Rig
  let root: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'runyard-attacks-'))
    rig = await createRig({ egressAllow: ['**'] })
    for (const dir of [rig.runDir, dirname(rig.runDir)]) chmodSync(dir, 0o711)
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    rmSync(root, { recursive: true, force: true })
    expect(left).toEqual([])
  })
  const sh = (script: string, overrides?: Overrides) => rig.run(['bash', '-c', script], overrides)

  test('S1: no program of ours, no setting of the kernel and no device can be written or made', async () => {
    const bwrap = statSync('/usr/bin/bwrap', { throwIfNoEntry: false })
    const { stdout } = await sh(`
      try() { ( eval "$1" ) 2>/dev/null && echo "DONE: $1"; }
      try 'echo x > /proc/1/exe'; try 'echo x >> /usr/bin/bwrap'; try 'cat /proc/1/root/etc/shadow'
      tr '\\0' '\\n' < /proc/1/environ | grep -v '^PATH='; ls -l /proc/1/fd | grep -vE 'total|/dev/null|slot-[0-9.]+.std(out|err)|eventfd'
      for setting in kernel/core_pattern kernel/sysrq kernel/modprobe kernel/hostname vm/overcommit_memory; do
        try "echo x > /proc/sys/$setting"
      done
      try 'echo b > /proc/sysrq-trigger'; try 'echo x > /proc/self/oom_score_adj'; try 'cat /proc/kcore | head -c 1 | grep .'
      try 'ls /sys/fs/cgroup'; try 'mkdir /tmp/c && mount -t cgroup none /tmp/c'; try 'echo /tmp/x > /sys/fs/cgroup/release_agent'
      try 'mknod /tmp/disk b 8 0'; try 'mknod /tmp/mem c 1 1'; try 'mknod /dev/x c 1 3'
      try 'unshare -U true'; try 'unshare -n true'; try 'mount --bind /tmp /usr'; try 'umount /usr'; try 'umount -l /proc'
      try 'chroot / true'; try 'hostname evil'; try 'kill -9 1 && ! kill -0 1'; try 'renice -n -5 $$'
      try 'chown 0 /tmp'; try 'chmod u+s /usr/bin/env'; try 'ln /usr/bin/env /tmp/env'
    `)
    expect(stdout).toBe('')
    expect(statSync('/usr/bin/bwrap', { throwIfNoEntry: false })?.mtimeMs).toBe(bwrap?.mtimeMs)
  })

  test('S1: a set-uid program of its own, and one of the host, give nothing', async () => {
    const { stdout } = await sh(`
      cp /usr/bin/id /tmp/id && chmod 6755 /tmp/id && /tmp/id -u
      grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd|CapInh|CapAmb|Seccomp):' /proc/self/status | tr -s '\\t ' ' '
      for program in /usr/bin/su /usr/bin/mount /usr/bin/newuidmap /usr/bin/passwd; do
        [ -u $program ] && $program --version >/dev/null 2>&1; done
      perl -e '$< = 0; $> = 0; print "$< $>\\n"'
    `)
    const none = '0000000000000000'
    expect(stdout.split('\n')).toEqual([
      '1000',
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}: ${none}`),
      'NoNewPrivs: 1',
      'Seccomp: 2',
      '1000 1000',
      '',
    ])
  })

  test('S2: what a job leaves, the next one in its slot does not find', async () => {
    const slot = 5
    const places = '/tmp /job /dev/shm /var/tmp'
    const first = await sh(
      `for d in ${places}; do echo poison > $d/left || exit 9; done
       for f in /etc/passwd /etc/hosts /etc/ld.so.cache /etc/ssl/certs/ca-certificates.crt /usr/lib/os-release; do
         { echo poison >> $f; } 2>/dev/null && echo "WROTE $f"; rm -f $f 2>/dev/null && echo "REMOVED $f"; done
       { echo poison > /etc/ld.so.preload; } 2>/dev/null && echo WROTE preload; exit 0`,
      { slot },
    )
    expect(first).toMatchObject({ exitCode: 0, stdout: '' })
    const second = await sh(`for d in ${places}; do ls -A $d; done; grep -rl poison /etc 2>/dev/null`, { slot })
    expect(second.stdout).toBe('')
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain('poison')
  })

  test('S3: core files are none, and open files and inodes have an end', async () => {
    const ran = await sh(`ulimit -c; ulimit -Hc; cd /tmp; sleep 9 & kill -SEGV $!; wait $!; ls -A /tmp`)
    expect(ran.stdout).toBe('0\n0\n')
    const files = await rig.run(
      ['perl', '-e', 'my @f; while (open my $f, "<", "/dev/null") { push @f, $f } print scalar @f'],
      {
        limits: { open_files: 100 },
      },
    )
    expect(Number(files.stdout)).toBeLessThan(100)
  })

  test.skipIf(noCgroups)('S3: files without content are memory too', async () => {
    const made = await rig.run(
      [
        'perl',
        '-e',
        '$| = 1; for my $i (1 .. 1e6) { open my $f, ">", "/tmp/$i" or die "full\\n"; print "$i\\n" if $i % 1000 == 0 }',
      ],
      { limits: { memory_bytes: 24 * MiB } },
    )
    expect(made.oomKilled || made.stderr === 'full\n').toBe(true)
    expect(made.stdout).not.toContain('500000\n')
    expect(await sh('echo fine')).toMatchObject({ stdout: 'fine\n' })
  })

  test('S3: a log without end is cut and said', async () => {
    const ran = await rig.run(['sh', '-c', 'head -c 5000000 /dev/zero; echo the end >&2'], {
      limits: { output_bytes: 1000 },
    })
    expect(ran.exitCode).toBe(0)
    expect(ran.stdout.length).toBeLessThanOrEqual(1000)
  })

  test('S4: nobody can trace or stop what is around it', async () => {
    const script = `for my $pid (1, getppid) { $! = 0; syscall 101, 16, $pid, 0, 0; print "TRACED $pid\n" if !$! }
      kill 'STOP', 1; open my $s, '<', '/proc/1/stat'; print((split / /, <$s>)[2])`
    expect((await rig.run(['perl', '-e', script])).stdout).toMatch(/^[RS]$/)
  })

  test('S4: a job that finds the pipe of the status does not choose whom a stop kills', async () => {
    const bystander = spawn('sleep', ['60'])
    const died = once(bystander, 'exit')
    const script = `printf '\n{"child-pid":${bystander.pid}}\n' | tee /proc/$PPID/fd/* >/dev/null 2>&1; trap '' TERM; echo up; while :; do sleep 0.05; done`
    for (const spec of [{ outputs: true }, { outputs: true, network: 'egress' as const, egress: ['example.test'] }]) {
      const { attempt, stdout } = await rig.start(['bash', '-c', script], { spec })
      await until(async () => (await stdout()).includes('up'))
      await attempt.stop('cancelled', 50)
      expect(await attempt.ended).toMatchObject({ signal: 'SIGKILL', remaining: 0 })
      await attempt.release()
    }
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
    bystander.kill()
    await died
  })

  test('S5: metadata, the database, sockets of this host by path and by abstract name: no route, no name, no file', async () => {
    const name = `runyard-attack-${process.pid}`
    const abstract = createServer((socket) => socket.end('inside'))
    const byPath = createServer((socket) => socket.end('inside'))
    await new Promise<void>((go) => abstract.listen(`\0${name}`, go))
    await new Promise<void>((go) => byPath.listen(join(root, 'control.sock'), go))
    const unix = `my ($path) = @ARGV; socket my $s, 1, 1, 0; connect $s, pack 'S a*', 1, $path or die "no\\n"; print <$s>`
    const knock = (path: string) => `perl -e '${unix.replaceAll("'", `'"'"'`)}' "$(printf '${path}')" 2>&1`
    try {
      // A NUL cannot be an argument, so the abstract name is made inside.
      const inside = unix.replace('$path) = @ARGV', '$path) = ("\\0$ARGV[0]")')
      const told = await rig.run(['perl', '-e', inside, name])
      expect(told).toMatchObject({ stdout: '', stderr: 'no\n' })
      // The test can fail: with the network of the host the same words get there.
      expect((await rig.run(['perl', '-e', inside, name], { spec: { network: 'host' } })).stdout).toBe('inside')
      const ran = await sh(`
        for to in 169.254.169.254/80 10.0.0.1/5432 192.0.2.1/22; do (exec 3<>/dev/tcp/$to) 2>&1 | grep -om1 'Network is unreachable'; done
        (exec 3<>/dev/tcp/127.0.0.1/5432) 2>&1 | grep -om1 'Connection refused'
        getent hosts metadata.google.internal || echo no name
        ${knock(join(root, 'control.sock'))}; ${knock(join(rig.runDir, 'launcher.sock'))}
        ls -A /run ; tail -n +3 /proc/net/dev | grep -v ' lo:' ; ls ${rig.runDir} 2>/dev/null; true
      `)
      expect(ran.stdout).toBe(`${'Network is unreachable\n'.repeat(3)}Connection refused\nno name\nno\nno\n`)
    } finally {
      abstract.close()
      byPath.close()
    }
  })

  test.skipIf(notRoot)('S5: jobs side by side have uids and networks of their own', async () => {
    const { attempt, stdout } = await rig.start(
      [
        'bash',
        '-c',
        'readlink /proc/self/ns/net; exec perl -e \'$| = 1; socket my $s, 2, 1, 0; bind $s, pack "S n a4 x8", 2, 7777, "\\x7f\\0\\0\\1"; listen $s, 5; print "up\\n"; sleep 60\'',
      ],
      { slot: 1 },
    )
    await until(async () => (await stdout()).includes('up'))
    const other = await sh(
      'readlink /proc/self/ns/net; (exec 3<>/dev/tcp/127.0.0.1/7777) 2>&1 | grep -om1 "Connection refused"',
      { slot: 2 },
    )
    expect(other.stdout.split('\n')[1]).toBe('Connection refused')
    expect(other.stdout.split('\n')[0]).not.toBe((await stdout()).split('\n')[0])
    await attempt.release()
  })
})
