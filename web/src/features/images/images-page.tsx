import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { Suspense, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import type { Image } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useMe } from '../session/session.ts'
import { DeleteImage } from './delete-image.tsx'
import { EngineCard, EventsCard } from './image-cards.tsx'
import { ImageTable } from './image-table.tsx'
import { imagesQuery } from './queries.ts'

const ImageDialog = lazyPart(() => import('./image-dialog.tsx'))
const PinDialog = lazyPart(() => import('./pin-dialog.tsx'))

export type ImageAct = { act: 'add' } | { act: 'edit' | 'pin' | 'delete'; image: Image }

/** What jobs may run in, where it is, and what is kept warm. */
export function ImagesPage() {
  const isAdmin = useMe()?.role === 'admin'
  const { data, isPending, isError, error, refetch } = useQuery({ ...imagesQuery, refetchInterval: 5_000 })
  const [asking, setAsking] = useState<ImageAct | null>(null)
  useKeys({ c: () => isAdmin && setAsking({ act: 'add' }) })
  const close = () => setAsking(null)
  return (
    <div className="flex flex-col gap-3">
      <PageHead title="Images" description="What jobs with the container executor run in.">
        {isAdmin && (
          <Button kind="primary" onClick={() => setAsking({ act: 'add' })}>
            <Plus aria-hidden className="size-4" /> Add an image
          </Button>
        )}
      </PageHead>
      {isPending && <Loading rows={4} label="Loading images" />}
      {isError && <Failed error={error} retry={() => void refetch()} />}
      {data?.images.length === 0 && <NoImages isAdmin={isAdmin} />}
      {data && data.images.length > 0 && <ImageTable images={data.images} onAct={isAdmin ? setAsking : undefined} />}
      {data && (
        <div className="grid items-start gap-3 lg:grid-cols-2">
          <EngineCard engines={data.engines} allowed={data.allowed} />
          <EventsCard events={data.events} />
        </div>
      )}
      <Suspense>
        {asking?.act === 'add' && <ImageDialog image={null} onClose={close} />}
        {asking?.act === 'edit' && <ImageDialog image={asking.image} onClose={close} />}
        {asking?.act === 'pin' && <PinDialog image={asking.image} onClose={close} />}
      </Suspense>
      {asking?.act === 'delete' && <DeleteImage name={asking.image.name} onClose={close} />}
    </div>
  )
}

function NoImages({ isAdmin }: { isAdmin: boolean }) {
  return (
    <Empty title="There is no image yet">
      <p className="text-muted">
        {isAdmin
          ? 'Add one that your runners have, or can pull. Then a job runs in it:'
          : 'An administrator adds those that jobs may run in. Then:'}
      </p>
      <CopyLine className="w-full max-w-lg" text="runyard run --image python -- python3 -V" />
    </Empty>
  )
}
