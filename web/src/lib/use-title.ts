import { useEffect } from 'react'
import { visibleText } from './visible-text.ts'

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${visibleText(title)} · Runyard`
  }, [title])
}
