import { ChevronRight, Pencil, Pin, Trash2 } from 'lucide-react'
import { Fragment, useState } from 'react'
import { Badge } from '../../components/badge.tsx'
import { Button, IconButton } from '../../components/button.tsx'
import { CopyButton } from '../../components/copy-line.tsx'
import { ActsTd, ActsTh, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { Image } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import type { ImageAct } from './images-page.tsx'
import { hitRate, languageLabels, warmOf } from './words.ts'

interface ImageTableProps {
  images: Image[]
  /** Missing: the reader may not change them. */
  onAct?: (act: ImageAct) => void
}

export function ImageTable({ images, onAct }: ImageTableProps) {
  const [open, setOpen] = useState<string | null>(null)
  return (
    <Table label="Images" wide>
      <TableHead>
        <Th>Name</Th>
        <Th>Reference</Th>
        <Th className="max-xl:hidden">Present</Th>
        <Th>Warm</Th>
        {onAct && <ActsTh />}
      </TableHead>
      <tbody>
        {images.map((image) => (
          <Fragment key={image.name}>
            <Row
              image={image}
              open={open === image.name}
              onOpen={() => setOpen(open === image.name ? null : image.name)}
              onAct={onAct}
            />
            {open === image.name && (
              <tr>
                <td colSpan={onAct ? 5 : 4} className="border-t border-line bg-sunken px-3 py-2">
                  <Places image={image} />
                </td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </Table>
  )
}

interface RowProps {
  image: Image
  open: boolean
  onOpen: () => void
  onAct: ImageTableProps['onAct']
}

function Row({ image, open, onOpen, onAct }: RowProps) {
  const second = [languagesText(image), visibleText(image.description ?? '')].filter((part) => part !== '').join(' · ')
  const present = image.runners.filter((runner) => runner.present).length
  return (
    <Tr>
      <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
        <span className="flex items-center gap-2">
          <button
            type="button"
            aria-expanded={open}
            aria-label={`Where ${image.name} is`}
            onClick={onOpen}
            className="flex items-center gap-1.5 rounded hover:text-accent"
          >
            <ChevronRight aria-hidden className={`size-4 text-muted ${open ? 'rotate-90' : ''}`} />
            <span className="max-w-32 truncate sm:max-w-52" title={image.name}>
              {image.name}
            </span>
          </button>
          {!image.enabled && <Badge tone="warn">Disabled</Badge>}
          {image.open_to === 'admins' && <Badge>Administrators</Badge>}
        </span>
        {image.enabled && image.problem && (
          <span className="block max-w-60 pl-5.5 text-xs font-normal whitespace-normal text-failed">
            {sentence(visibleText(image.problem))}
          </span>
        )}
        {second !== '' && (
          <span className="block max-w-40 truncate pl-5.5 text-xs font-normal text-muted sm:max-w-64" title={second}>
            {second}
          </span>
        )}
      </th>
      <Td>
        <span className="flex items-center gap-1.5">
          <code className="max-w-44 truncate font-mono text-xs xl:max-w-64 2xl:max-w-md" title={image.reference}>
            {image.reference.replace(/@sha256:.*$/, '')}
          </code>
          {image.digest === null ? (
            <Badge tone="warn" title="The tag says which image it is, and may say another one tomorrow">
              Not pinned
            </Badge>
          ) : (
            <span className="font-mono text-xs text-muted" title={image.digest}>
              @{image.digest.replace('sha256:', '').slice(0, 12)}
            </span>
          )}
          <span className="lg:max-xl:hidden">
            <CopyButton text={image.reference} label={`Copy the reference of ${image.name}`} />
          </span>
        </span>
      </Td>
      <Td muted className="max-xl:hidden">
        {image.runners.length === 0 ? 'No engine' : `${present} of ${image.runners.length}`}
      </Td>
      <Td muted>
        <Warm image={image} />
      </Td>
      {onAct && (
        <ActsTd>
          {image.digest === null && (
            <Button size="small" aria-label={`Pin ${image.name}`} onClick={() => onAct({ act: 'pin', image })}>
              <Pin aria-hidden className="size-3.5" /> <span className="max-sm:hidden">Pin</span>
            </Button>
          )}
          <IconButton small label={`Change ${image.name}`} onClick={() => onAct({ act: 'edit', image })}>
            <Pencil aria-hidden className="size-3.5" />
          </IconButton>
          <IconButton small label={`Delete ${image.name}`} onClick={() => onAct({ act: 'delete', image })}>
            <Trash2 aria-hidden className="size-3.5" />
          </IconButton>
        </ActsTd>
      )}
    </Tr>
  )
}

const languagesText = ({ languages }: Image): string =>
  languages.length === 0 ? '' : `For scripts in ${languages.map((one) => languageLabels[one]).join(', ')}`

/** `2 ready · 93 % hits`. */
function Warm({ image }: { image: Image }) {
  const { least, most } = image.warm
  if (most === 0) return 'Cold'
  const all = warmOf(image)
  const rate = hitRate(all)
  return (
    <span
      className="tabular-nums"
      title={`Each runner keeps ${least} to ${most} ready${rate === null ? '' : `; ${rate} of the jobs found one`}`}
    >
      {all.waiting} ready{rate !== null && ` · ${rate} hits`}
    </span>
  )
}

function Places({ image }: { image: Image }) {
  if (image.runners.length === 0) return <p className="text-sm text-muted">No runner with an engine is online.</p>
  return (
    <table aria-label={`Where ${image.name} is`} className="text-sm">
      <thead className="text-left text-xs text-muted">
        <tr>
          {['Runner', 'Image', 'Ready', 'Used', 'Found warm', 'Started cold'].map((title) => (
            <th key={title} scope="col" className="py-0.5 pr-6 font-normal">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {image.runners.map(({ runner, present, warm }) => (
          <tr key={runner} className="tabular-nums">
            <th scope="row" className="py-0.5 pr-6 text-left font-medium">
              {runner}
            </th>
            <td className="pr-6">{present ? 'present' : <span className="text-muted">not there</span>}</td>
            {warm
              ? [warm.waiting, warm.used, warm.hits, warm.misses].map((count, index) => (
                  <td key={index} className="pr-6">
                    {count.toLocaleString()}
                  </td>
                ))
              : Array.from({ length: 4 }, (_, index) => (
                  <td key={index} className="pr-6 text-muted">
                    –
                  </td>
                ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
