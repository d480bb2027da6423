import { Dialog } from '../../components/dialog.tsx'
import type { AuditRow } from '../../lib/api.ts'
import { exactTime } from '../../lib/time.ts'

export function EntryDialog({ entry, onClose }: { entry: AuditRow; onClose: () => void }) {
  const facts: [string, string][] = [
    ['When', exactTime(entry.at)],
    ['Who', `${entry.actor} (${entry.actor_kind})`],
    ['From', entry.address ?? 'this system itself'],
    ['What', entry.action],
    ['To what', entry.target ?? '–'],
    ['Result', entry.result],
    ['Seal', entry.seq === null ? 'not sealed yet' : `number ${entry.seq} of the chain`],
  ]
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Entry ${entry.id}`}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
      </dl>
      <pre
        // The whole of it is read by scrolling, also with the keyboard.
        tabIndex={0}
        aria-label="Detail"
        className="mt-4 max-h-80 overflow-auto rounded-md border border-line bg-sunken p-3 font-mono text-xs whitespace-pre-wrap break-words"
      >
        {JSON.stringify(entry.detail, null, 2)}
      </pre>
    </Dialog>
  )
}
