/** What must hold of the text itself, without running the product. Each is one line of `npm run check`. */
import { add, emptyTally, oneFailed, onePassed, type Tally } from './tally.ts'
import { run } from './command.ts'

interface Check {
  name: string
  command: string
  args: string[]
  /** What to do about it. */
  fix: string
}

const node = (script: string): Pick<Check, 'command' | 'args'> => ({
  command: process.execPath,
  args: [script, '--check'],
})

export const checks: Check[] = [
  { name: 'types', command: 'tsc', args: ['-p', '.'], fix: 'see the errors above' },
  { name: 'types of the web', command: 'tsc', args: ['-p', 'web'], fix: 'see the errors above' },
  { name: 'lint, import walls, cycles', command: 'oxlint', args: [], fix: 'oxlint' },
  { name: 'format', command: 'oxfmt', args: ['--check'], fix: 'npm run format' },
  { name: 'docs/configuration.md is the settings table', ...node('scripts/configuration-doc.ts'), fix: 'npm run docs' },
  { name: 'ARCHITECTURE.md draws the transition table', ...node('scripts/state-diagram.ts'), fix: 'npm run docs' },
  { name: 'proto lint', command: 'buf', args: ['lint'], fix: 'see the errors above' },
  {
    name: 'no gRPC client is broken',
    command: 'buf',
    args: ['breaking', '--against', 'proto/baseline.binpb'],
    fix: 'keep names and numbers; npm run proto:accept when nobody can have such a client',
  },
  { name: 'gRPC code is what proto/ says', ...node('scripts/grpc-code.ts'), fix: 'npm run proto' },
]

export async function runChecks(): Promise<Tally> {
  let tally = emptyTally()
  for (const { name, command, args, fix } of checks) {
    const { code, output } = await run(command, args, { capture: true, limitMs: 180_000 })
    console.log(`${code === 0 ? '✓' : '×'} ${name}`)
    if (code !== 0) console.log(`${output.trim().split('\n').slice(0, 100).join('\n')}\n  fix: ${fix}`)
    tally = add(tally, code === 0 ? onePassed() : oneFailed(`check: ${name}`))
  }
  return tally
}
