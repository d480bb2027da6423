/** One word of a POSIX shell that means exactly these characters. */
export function shellWord(text: string): string {
  if (text.includes('\0')) throw new Error('no word of a shell holds a NUL')
  return `'${text.replaceAll("'", `'\\''`)}'`
}
