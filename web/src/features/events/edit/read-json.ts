export interface ReadJson {
  /** Undefined: nothing is typed, or it is wrong. */
  value?: unknown
  error?: string
}

/** JSON as it is typed. */
export function readJson(text: string): ReadJson {
  if (text.trim() === '') return {}
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { error: `is no JSON: ${(error as Error).message.replace(/^JSON\.parse: /, '')}` }
  }
}

export const jsonText = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value, null, 2))
