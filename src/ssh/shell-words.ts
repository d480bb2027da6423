/** The one place where words become text for a remote shell. */

/** A word that any shell takes as it is. Throws for NUL, which no argument can hold. */
export function shellWord(word: string): string {
  if (word.includes('\0')) throw new Error('a word of a command line cannot have a NUL character')
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}

export const shellWords = (words: readonly string[]): string => words.map(shellWord).join(' ')
