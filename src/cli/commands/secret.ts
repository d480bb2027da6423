import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { SealingKey } from '../../api/contract/index.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { notice, print, printJson, table } from '../render.ts'
import { plural, showAgo } from '../units.ts'
import { defineVariableCommands } from '../variable-commands.ts'

export function define(command: Command): void {
  defineVariableCommands(command, 'secret')
  defineRotate(command)
  const keys = command.command('keys').summary('keys that seal what is stored')
  keys.description('keys that seal what is stored, newest first (administrators)').action(async () => {
    const found = await withServer(keys, ({ client }) => client.calls.sealingKeys.list())
    if (globalsOf(keys).json) return printJson(found.keys)
    process.stdout.write(keyTable(found.keys))
  })
  command.addHelpText(
    'after',
    '\nAn event names its secrets under `secrets:` and gets them as environment variables. See docs/variables.md.',
  )
}

function defineRotate(command: Command): void {
  const rotate = command.command('rotate-key').summary('seal everything with a new key')
  rotate
    .description(
      'make a new sealing key, put it to use and seal everything anew with it (administrators).\n' +
        'Nothing stops meanwhile. With several servers, or RUNYARD_SECRET_KEY, see docs/variables.md for the order.',
    )
    .option('--no-wait', 'leave it to the server')
    .action(async ({ wait }: { wait: boolean }) => {
      const { json, verbose } = globalsOf(rotate)
      const done = await withServer(rotate, async ({ client: { calls } }) => {
        const made = await calls.sealingKeys.rotate()
        const left = (n: number): void => notice(`${plural(n, 'value')} left`, verbose)
        return { ...made, resealed: made.used && wait ? await untilDone(calls, left) : false }
      })
      if (!done.used) process.exitCode = exitCodes.failed
      if (json) return printJson(done)
      if (done.used) return print(done.resealed ? `${done.key_id}: all is sealed with it` : `${done.key_id}: in use`)
      print(`${done.key_id}: not in use yet, since ${done.missing_on.join(', ')} has it not`)
      print(
        done.file === null
          ? 'give it to them in RUNYARD_OLD_SECRET_KEYS'
          : `bring ${done.file} to the same place there`,
      )
      print('then: runyard secret rotate-key')
    })
}

async function untilDone(calls: ApiClient['calls'], tell: (left: number) => void): Promise<true> {
  for (let told = -1; ; await sleep(1000)) {
    const { keys } = await calls.sealingKeys.list()
    const old = keys.filter(({ state }) => state === 'old')
    if (old.length === 0) return true
    const left = old.reduce((sum, { values }) => sum + values, 0)
    if (left !== told) tell(left)
    told = left
  }
}

function keyTable(keys: SealingKey[]): string {
  const titles = ['KEY', 'STATE', 'VALUES', 'ADDED', 'MISSING ON']
  const rows = keys.map((key) => [
    ...[key.key_id, key.state, String(key.values), showAgo(key.added_at), key.missing_on.join(', ')],
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'MISSING ON' })),
    rows,
  )
}
