import { createFileRoute } from '@tanstack/react-router'
import { HostsPage } from '../features/hosts/hosts-page.tsx'
import { readHostsPlace } from '../features/hosts/place.ts'

export const Route = createFileRoute('/_app/hosts/')({ validateSearch: readHostsPlace, component: HostsPage })
