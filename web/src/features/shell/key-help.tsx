import { Dialog } from '../../components/dialog.tsx'
import { Kbd } from '../../components/kbd.tsx'

const groups: { title: string; keys: [string[], string][] }[] = [
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
      [['/'], 'Search by name'],
    ],
  },
  {
    title: 'One job',
    keys: [
      [['/'], 'Search in the log'],
      [['f'], 'Follow the log'],
      [['w'], 'Wrap long lines'],
      [['g'], 'Log: to the first line'],
      [['G'], 'Log: to the last line'],
    ],
  },
]

export default function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onOpenChange={onClose} title="Keyboard">
      <div className="grid gap-5 sm:grid-cols-2">
        {groups.map((group) => (
          <section key={group.title}>
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
