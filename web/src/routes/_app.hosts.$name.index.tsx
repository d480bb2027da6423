import { createFileRoute } from '@tanstack/react-router'
import { HostPage } from '../features/hosts/host-page.tsx'

export const Route = createFileRoute('/_app/hosts/$name/')({ component: HostPage })
