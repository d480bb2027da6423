import {
  Boxes,
  CalendarClock,
  ChartNoAxesColumn,
  FlaskConical,
  Layers,
  List,
  Megaphone,
  ScrollText,
  Server,
  ShieldCheck,
  UserCog,
  Users,
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
      { to: '/events', label: 'Events', icon: Zap, key: 'v' },
      { to: '/pipelines', label: 'Pipelines', icon: Workflow, key: 'l' },
      { to: '/batches', label: 'Batches', icon: Boxes, key: 'b' },
      { to: '/jobs', label: 'Jobs', icon: List, key: 'j' },
      { to: '/schedules', label: 'Schedules', icon: CalendarClock, key: 's' },
      { to: '/tests', label: 'Tests', icon: FlaskConical, key: 't' },
    ],
  },
  {
    title: 'System',
    places: [
      { to: '/runners', label: 'Runners', icon: Server, key: 'r' },
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
