/**
 * `npm run chaos -- --profile smoke|full|soak [--seed N]` or `--case NAME [...]`: the long suites, by hand. Each case is a
 * file in `cases/` with `run(options)`, which answers the exit code; results are written down in bench/CHAOS.md.
 */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { removeAll } from './stand.ts'

interface Case {
  usage?: string
  run(options: Record<string, string>): Promise<number | void>
}

const dir = fileURLToPath(new URL('./cases/', import.meta.url))
const options = optionsOf(process.argv.slice(2))
const name = options['case'] ?? (options['profile'] === undefined ? '' : 'fleet')
if (!/^[a-z0-9-]+$/.test(name) || !existsSync(`${dir}${name}.ts`)) {
  const cases = readdirSync(dir).map((file) => file.replace(/\.ts$/, ''))
  console.error('usage: npm run chaos -- --profile smoke|full|soak [--seed N], or --case NAME [--seed N] [...]')
  for (const each of cases) console.error(`  ${each} ${((await import(`./cases/${each}.ts`)) as Case).usage ?? ''}`)
  process.exit(2)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void removeAll().finally(() => process.exit(1)))
}
const { run } = (await import(`./cases/${name}.ts`)) as Case
process.exit((await run(options)) ?? 0)

/** `--name value`, `--name=value`, or `--name` alone, which is an empty word. */
function optionsOf(words: string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (let i = 0; i < words.length; i++) {
    const [option = '', value] = words[i]!.replace(/^--/, '').split('=')
    const next = words[i + 1]
    found[option] = value ?? (next === undefined || next.startsWith('--') ? '' : words[++i]!)
  }
  return found
}
