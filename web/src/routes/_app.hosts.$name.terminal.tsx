import { createFileRoute } from '@tanstack/react-router'
import { TerminalPage } from '../features/terminal/terminal-page.tsx'

export const Route = createFileRoute('/_app/hosts/$name/terminal')({ component: TerminalPage })
