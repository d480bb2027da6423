/** Small choices that this browser remembers; without storage they last as long as the page. */
export function readSaved(name: string): string | null {
  try {
    return localStorage.getItem(`runyard.${name}`)
  } catch {
    return null
  }
}

export function save(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`runyard.${name}`)
    else localStorage.setItem(`runyard.${name}`, value)
  } catch {
    // storage is switched off
  }
}
