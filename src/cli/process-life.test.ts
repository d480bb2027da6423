import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

const url = JSON.stringify(new URL('./process-life.ts', import.meta.url).href)

async function listening(stdio: 'ipc' | 'ignore') {
  const code = `import { leaveWithParent, onStop } from ${url}
    leaveWithParent()
    onStop((signal) => console.log(signal))
    console.log('ready')
    setTimeout(() => process.exit(0), 5000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit', stdio],
  })
  let said = ''
  child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const until = async (text: string): Promise<void> => {
    while (!said.includes(text)) await sleep(10)
  }
  await until('ready')
  return { child, said: () => said.split('\n').slice(1, -1), until }
}

test('one Ctrl-C that arrives several times counts once; a second one later counts', async () => {
  const { child, said, until } = await listening('ignore')
  try {
    child.kill('SIGINT')
    await until('SIGINT')
    child.kill('SIGINT')
    await sleep(20)
    child.kill('SIGINT')
    await sleep(400)
    expect(said()).toEqual(['SIGINT'])
    child.kill('SIGTERM')
    await until('SIGTERM')
    expect(said()).toEqual(['SIGINT', 'SIGTERM'])
  } finally {
    child.kill('SIGKILL')
  }
})

test('the end of the launcher is heard as a hang-up', async () => {
  const { child, until } = await listening('ipc')
  try {
    child.disconnect()
    await until('SIGHUP')
  } finally {
    child.kill('SIGKILL')
  }
})

test('what a slow reader has not taken yet is waited for; one that went away ends us in silence', async () => {
  const code = `import { allWritten, quietOnBrokenPipe } from ${url}
    quietOnBrokenPipe()
    process.stdout.write('x'.repeat(1000000))
    await allWritten()
    process.exit(0)`
  const began = () =>
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] })
  const slow = began()
  await sleep(500)
  let size = 0
  slow.stdout.on('data', (chunk: Buffer) => (size += chunk.length))
  await new Promise((resolve) => slow.once('close', resolve))
  expect([size, slow.exitCode]).toEqual([1_000_000, 0])

  const gone = began()
  let said = ''
  gone.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  gone.stdout.destroy()
  await new Promise((resolve) => gone.once('close', resolve))
  expect([gone.exitCode, said]).toEqual([141, ''])
})
