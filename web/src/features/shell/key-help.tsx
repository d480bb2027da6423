import { Dialog } from '../../components/dialog.tsx'
import { Kbd } from '../../components/kbd.tsx'
import { useMe } from '../session/session.ts'
import { placesFor, profile } from './places.ts'

interface Group {
  title: string
  keys: [string[], string][]
}

const groups: Group[] = [
  {
    title: 'Everywhere',
    keys: [
      [['⌘/Ctrl', 'K'], 'Search, or go to a page'],
      [['n'], 'New job'],
      [['?'], 'This help'],
    ],
  },
  {
    title: 'Job list',
    keys: [
      [['j'], 'Next job'],
      [['k'], 'Job before'],
      [['Enter'], 'Open the job'],
      [['x'], 'Choose the job, for an act on several'],
      [['Shift', 'x'], 'Choose all from the last chosen one'],
      [['/'], 'Search by name'],
    ],
  },
  {
    title: 'Batch',
    keys: [
      [['j'], 'Next member'],
      [['k'], 'Member before'],
      [['Enter'], 'Open the member'],
      [['l'], 'Its log'],
      [['x'], 'Choose the member, for an act on several'],
      [['/'], 'Search by name'],
    ],
  },
  {
    title: 'Events',
    keys: [
      [['j'], 'Next event or run'],
      [['k'], 'The one before'],
      [['r'], 'Run the event'],
      [['e'], 'Edit it'],
      [['x'], 'Choose it, for an act on several'],
      [['c'], 'New event'],
      [['⌘/Ctrl', 'S'], 'Editor: save'],
      [['⌘/Ctrl', 'Enter'], 'Editor: test run'],
    ],
  },
  {
    title: 'Pipelines and their runs',
    keys: [
      [['j'], 'Next pipeline, run or task'],
      [['k'], 'The one before'],
      [['Enter'], 'Open it'],
      [['s'], 'Start the pipeline'],
      [['/'], 'Search by name'],
    ],
  },
  {
    title: 'Failures',
    keys: [
      [['j'], 'Next failed job or incident'],
      [['k'], 'The one before'],
      [['Enter'], 'Open it'],
      [['x'], 'Choose the failed job'],
      [['/'], 'Search names and errors'],
    ],
  },
  {
    title: 'Hosts and images',
    keys: [
      [['j'], 'Next host'],
      [['k'], 'The one before'],
      [['r'], 'Test the host'],
      [['e'], 'Edit it'],
      [['c'], 'Add a host or an image'],
      [['Ctrl', 'Shift', 'Enter'], 'Terminal: leave it'],
    ],
  },
  {
    title: 'One job',
    keys: [
      [['/'], 'Search in the log'],
      [['f'], 'Follow the log'],
      [['w'], 'Wrap long lines'],
      [['#'], 'Link to the match, or to the top line'],
      [['g', 'g'], 'Log: to the first line'],
      [['G'], 'Log: to the last line'],
    ],
  },
]

export default function KeyHelp({ onClose }: { onClose: () => void }) {
  const me = useMe()
  const places = [...placesFor(me?.role).flatMap((group) => group.places), profile]
  const goTo: Group = { title: 'Go to', keys: places.map(({ key, label }) => [['g', key], label]) }
  return (
    <Dialog open onOpenChange={onClose} title="Keyboard" className="max-w-[44rem] sm:w-[calc(100vw-2rem)]">
      <div className="gap-8 sm:columns-2">
        {[goTo, ...groups].map((group) => (
          <section key={group.title} className="mb-5 break-inside-avoid">
            <h3 className="mb-1.5 text-sm font-semibold text-muted">{group.title}</h3>
            <dl className="flex flex-col gap-1.5">
              {group.keys.map(([keys, meaning]) => (
                <div key={meaning} className="flex items-center justify-between gap-4">
                  <dd>{meaning}</dd>
                  <dt className="order-last flex gap-1">
                    {keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </dt>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
