/** The server knows its path only; what stands before it is where this page came from. */
export const addressOf = (url: string): string => new URL(url, location.origin).href
