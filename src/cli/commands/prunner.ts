import type { Command } from 'commander'
import { configOf, globalsOf } from '../globals.ts'
import { print, printJson } from '../render.ts'
import { parseDuration } from '../units.ts'

/** For the listener with prunner's routes (`RUNYARD_PRUNNER_ADDRESS`). */
export function define(command: Command): void {
  const token = command.command('token').summary('a token to try its routes with')
  token.description('mint a token as an application would, with the secret of .prunner.yml in the data directory')
  token
    .option('--sub <name>', 'who starts what is started with it', 'example')
    .option('--expires <time>', 'ends after this time', parseDuration, 3600)
    .action(async ({ sub, expires }: { sub: string; expires: number }) => {
      const { mintPrunnerToken } = await import('../../server/server.ts')
      const made = await mintPrunnerToken(configOf(token), { sub, seconds: expires })
      if (globalsOf(token).json) return printJson({ token: made })
      print(made)
    })
}
