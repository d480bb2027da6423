import type { Command } from 'commander'
import { globalsOf } from '../globals.ts'
import { paint, print, printJson, table } from '../render.ts'
import { spelled } from '../setup-line.ts'

export function define(command: Command): void {
  command.addHelpText('after', '\nEvery row is probed for real. Exit code 1 when jobs cannot be run here at all.')
  command.action(async () => {
    const { probeHost } = await import('../../executors/probe.ts')
    const rows = (await probeHost()).map((row) => ({ ...row, fix: spelled(row.fix) }))
    const unable = rows.some(({ facility, ok }) => ok === 'no' && facility === 'bubblewrap')
    process.exitCode = unable ? 1 : 0
    if (globalsOf(command).json) return printJson(rows)
    const colour = { yes: 'green', partly: 'yellow', no: 'red' } as const
    const cells = rows.map(({ facility, ok, found }) => [facility, paint(colour[ok], ok), found])
    process.stdout.write(table([{ title: 'FACILITY' }, { title: 'OK' }, { title: 'FOUND', shrinks: true }], cells))
    const fixes = rows.filter(({ fix }) => fix !== '')
    if (fixes.length === 0) return
    print(`\n${paint('bold', 'To fix')}`)
    for (const { facility, fix } of fixes) print(`  ${facility}: ${fix}`)
  })
}
