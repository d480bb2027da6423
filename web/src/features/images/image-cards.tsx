import { CircleAlert, CircleCheck } from 'lucide-react'
import { Card } from '../../components/card.tsx'
import type { api } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { languageLabels } from './words.ts'

type Answer = Awaited<ReturnType<typeof api.images.list>>

/** The runners' engines, and what may be named beside the catalogue. */
export function EngineCard({ engines, allowed }: Pick<Answer, 'engines' | 'allowed'>) {
  return (
    <Card title="Engines" className="gap-2">
      {engines.length === 0 && (
        <p className="text-sm text-muted">No runner that is online has looked for a container engine.</p>
      )}
      <ul className="flex flex-col gap-1.5 text-sm empty:hidden">
        {engines.map(({ runner, engine, version, problem }) => {
          const Icon = problem === null ? CircleCheck : CircleAlert
          return (
            <li key={runner} className="flex gap-2">
              <Icon
                role="img"
                aria-label={problem === null ? 'answers' : 'does not answer'}
                className={`mt-0.5 size-4 shrink-0 ${problem === null ? 'text-passed' : 'text-failed'}`}
              />
              <span className="min-w-0 wrap-anywhere">
                <span className="font-medium">{runner}</span>{' '}
                <span className="text-muted">
                  {problem === null ? [engine, version].filter(Boolean).join(' ') : sentence(visibleText(problem))}
                </span>
              </span>
            </li>
          )
        })}
      </ul>
      <p className="text-sm text-muted">
        {allowed.length === 0 ? (
          'Jobs may name images of the catalogue only.'
        ) : (
          <>
            Jobs may also name references like{' '}
            {allowed.map((one, index) => (
              <span key={one}>
                {index > 0 && ', '}
                <code className="font-mono text-xs text-text">{one}</code>
              </span>
            ))}
            .
          </>
        )}
      </p>
    </Card>
  )
}

/** Where scripts of events go that name no executor. */
export function EventsCard({ events }: Pick<Answer, 'events'>) {
  return (
    <Card title="Scripts of events that name no executor" className="gap-2">
      <dl className="flex flex-col gap-1.5 text-sm">
        {events.map(({ language, executor, image, why }) => (
          <div key={language} className="flex gap-3">
            <dt className="w-16 shrink-0 text-muted">{languageLabels[language]}</dt>
            <dd className="min-w-0">
              <span className="font-medium">{executor === 'container' ? 'Container' : 'Sandbox'}</span>
              {image && <code className="ml-1.5 font-mono text-xs">{image}</code>}
              <span className="block text-xs text-muted wrap-anywhere">{sentence(visibleText(why))}</span>
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}
