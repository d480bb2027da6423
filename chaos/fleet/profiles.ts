/** How much of what: `smoke` in every run of the tests, `full` and `soak` by hand. */
import { shortLeases } from '../stand.ts'
import { kindNames, type KindName, type Sizes } from './faults.ts'

export interface Profile {
  jobs: number
  faults: number
  kinds: readonly KindName[]
  /** Mean time from one fault to the next. */
  gapMs: number
  slots: number
  sizes: Sizes
  settings: Record<string, string>
  /** All jobs have ended so long after the last fault was healed. */
  patienceMs: number
  /** What the reliability targets ask of the profile and this host or product cannot give, said aloud. */
  without: string[]
}

const everywhere = [
  'I8: there are no schedules yet, so none are checked',
  'I9: there are no reactions yet; dependencies of jobs are checked',
]
const fleet = { servers: 2, runners: 3 }

const full: Profile = {
  jobs: 20_000,
  faults: 120,
  kinds: kindNames,
  gapMs: 12_000,
  slots: 8,
  sizes: { ...fleet, leaseSeconds: 30, partitions: [5, 20, 45, 120], pauses: [0.5, 1.5, 4] },
  settings: {},
  patienceMs: 600_000,
  without: [
    ...everywhere,
    'F11: no libfiu here, no failing writes but those of full disks',
    "F12: of servers and runners only; the database's date jumps in `--case outage-clock`",
    'F15: the spool cut at every byte is a unit test',
  ],
}

export const profiles = {
  smoke: {
    jobs: 500,
    faults: 16,
    kinds: [
      ...[
        'F1 server',
        'F2 all servers',
        'F3 runner',
        'F4 launcher',
        'F4 job',
        'F5 kill',
        'F5 immediate',
        'F5 backends',
      ],
      ...[
        'F6 to runner',
        'F6 to user',
        'F6 to server',
        'F7 runner',
        'F7 database',
        'F9 runner',
        'F10 spool',
        'F14 restart',
      ],
    ] as KindName[],
    gapMs: 3000,
    slots: 6,
    sizes: { ...fleet, leaseSeconds: 8, partitions: [5, 20], pauses: [0.5, 1.5] },
    settings: { ...shortLeases, RUNYARD_DRAIN_SECONDS: '5' },
    patienceMs: 120_000,
    without: everywhere,
  },
  full,
  soak: { ...full, jobs: 100_000, faults: 300, gapMs: 24_000 },
} satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles
