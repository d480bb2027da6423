import { useEffect, useRef } from 'react'

type Keys = Record<string, (event: KeyboardEvent) => void>

/** A second key belongs to the first one for this long: `g b` is typed in one go, or it is two keys. */
const sequenceMs = 1200

const listening = new Set<{ current: Keys }>()
let before: { key: string; time: number } | null = null

const choices = new Set(['checkbox', 'radio', 'button', 'submit', 'reset'])

const typing = (target: EventTarget | null) => {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement && choices.has(target.type)) return false
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}

const busy = () => document.querySelector('[role=dialog],[role=alertdialog],[role=menu]') !== null

function onKey(event: KeyboardEvent) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  if (typing(event.target) || busy()) {
    before = null
    return
  }
  const find = (keys: string) => [...listening].map(({ current }) => current[keys]).find(Boolean)
  const first = before !== null && event.timeStamp - before.time < sequenceMs ? before.key : null
  const action = (first !== null && find(`${first} ${event.key}`)) || find(event.key)
  const begins = [...listening].some(({ current }) =>
    Object.keys(current).some((keys) => keys.startsWith(`${event.key} `)),
  )
  before = begins && !(first !== null && action) ? { key: event.key, time: event.timeStamp } : null
  if (!action) return
  event.preventDefault()
  action(event)
}

/**
 * Shortcuts of a page: single keys (`n`), or two in a row (`g b`). Silent while someone types, or while a dialog or a
 * menu is open. A pair goes before a single key.
 */
export function useKeys(keys: Keys) {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    if (listening.size === 0) document.addEventListener('keydown', onKey)
    listening.add(latest)
    return () => {
      listening.delete(latest)
      if (listening.size === 0) document.removeEventListener('keydown', onKey)
    }
  }, [])
}
