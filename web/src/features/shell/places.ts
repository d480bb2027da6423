import {
  Boxes,
  CalendarClock,
  ChartLine,
  ChartNoAxesColumn,
  FlaskConical,
  KeyRound,
  Layers,
  List,
  Megaphone,
  Package,
  PcCase,
  ScrollText,
  Server,
  ShieldCheck,
  TriangleAlert,
  UserCog,
  Users,
  Webhook,
  Workflow,
  Zap,
  type LucideIcon,
} from 'lucide-react'
import type { FileRouteTypes } from '../../routeTree.gen.ts'

export interface Place {
  to: FileRouteTypes['to']
  label: string
  icon: LucideIcon
  /** The key after `g` that leads there. */
  key: string
}

export interface PlaceGroup {
  title: string
  admin?: boolean
  places: Place[]
}

/** All pages that one can go to: the sidebar, the palette and the keyboard help are made of this list. */
export const placeGroups: PlaceGroup[] = [
  {
    title: 'Work',
    places: [
      { to: '/overview', label: 'Overview', icon: ChartNoAxesColumn, key: 'o' },
      { to: '/batches', label: 'Batches', icon: Boxes, key: 'b' },
      { to: '/jobs', label: 'Jobs', icon: List, key: 'j' },
    ],
  },
  {
    title: 'Automate',
    places: [
      { to: '/events', label: 'Events', icon: Zap, key: 'v' },
      { to: '/pipelines', label: 'Pipelines', icon: Workflow, key: 'l' },
      { to: '/schedules', label: 'Schedules', icon: CalendarClock, key: 's' },
      { to: '/variables', label: 'Variables', icon: KeyRound, key: 'k' },
      { to: '/webhooks', label: 'Webhooks', icon: Webhook, key: 'w' },
    ],
  },
  {
    title: 'Observe',
    places: [
      { to: '/failures', label: 'Failures', icon: TriangleAlert, key: 'f' },
      { to: '/analytics', label: 'Analytics', icon: ChartLine, key: 'y' },
      { to: '/tests', label: 'Tests', icon: FlaskConical, key: 't' },
    ],
  },
  {
    title: 'System',
    places: [
      { to: '/runners', label: 'Runners', icon: Server, key: 'r' },
      { to: '/hosts', label: 'Hosts', icon: PcCase, key: 'h' },
      { to: '/images', label: 'Images', icon: Package, key: 'i' },
      { to: '/queues', label: 'Queues', icon: Layers, key: 'q' },
      { to: '/channels', label: 'Channels', icon: Megaphone, key: 'c' },
    ],
  },
  {
    title: 'Administration',
    admin: true,
    places: [
      { to: '/users', label: 'Users', icon: Users, key: 'u' },
      { to: '/audit', label: 'Audit', icon: ScrollText, key: 'a' },
      { to: '/certificates', label: 'Certificates', icon: ShieldCheck, key: 'e' },
    ],
  },
]

export const profile: Place = { to: '/profile', label: 'Profile', icon: UserCog, key: 'p' }

export const placesFor = (role: string | undefined): PlaceGroup[] =>
  placeGroups.filter(({ admin }) => !admin || role === 'admin')
