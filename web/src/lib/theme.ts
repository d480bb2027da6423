import { useSyncExternalStore } from 'react'

export type Theme = 'light' | 'dark' | 'system'
const key = 'runyard.theme'
const listeners = new Set<() => void>()

function saved(): Theme {
  try {
    const value = localStorage.getItem(key)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

const systemDark = () => matchMedia('(prefers-color-scheme: dark)')

function apply() {
  const theme = saved()
  document.documentElement.classList.toggle('dark', theme === 'system' ? systemDark().matches : theme === 'dark')
  for (const listener of listeners) listener()
}

export function setTheme(theme: Theme) {
  try {
    if (theme === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, theme)
  } catch {
    // storage is switched off: the choice lasts as long as the page
  }
  apply()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  const media = systemDark()
  media.addEventListener('change', apply)
  return () => {
    listeners.delete(listener)
    media.removeEventListener('change', apply)
  }
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, saved)
