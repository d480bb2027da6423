/** A command line as someone would type it again: words that the shell would touch are quoted. */
export const shellLine = (argv: readonly string[]): string => argv.map(quote).join(' ')

const quote = (word: string) =>
  word !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** `bash -c LINE` is shown as the line itself: that is what its author wrote. */
export function commandText(argv: readonly string[]): string {
  const [program, flag, line] = argv
  if (argv.length === 3 && flag === '-c' && line !== undefined && /(^|\/)(ba)?sh$/.test(program ?? '')) return line
  return shellLine(argv)
}
