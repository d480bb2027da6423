import { useEffect, useState } from 'react'

/** A value as it was a moment after it last changed: a question for each key would be one too many. */
export function useCalm<T>(value: T, ms = 350): T {
  const text = JSON.stringify(value)
  const [calm, setCalm] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setCalm(JSON.parse(text ?? 'null') as T), ms)
    return () => clearTimeout(timer)
  }, [text, ms])
  return calm
}
