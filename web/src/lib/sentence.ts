/** The server's messages begin small, to stand after a name in a terminal; on a page they stand alone. */
export const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
