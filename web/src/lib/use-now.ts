import { useEffect, useState } from 'react'

/** The present time, renewed every `step` milliseconds; 0 stands still. */
export function useNow(step: number): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (step <= 0) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), step)
    return () => clearInterval(timer)
  }, [step])
  return now
}
