import { useQuery } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { buttonLook } from '../../../components/button.tsx'
import { api, artifactUrl, type Artifact } from '../../../lib/api.ts'
import { byteSize } from '../../../lib/time.ts'
import { visibleText } from '../../../lib/visible-text.ts'

/** The files that a job left; nothing when there are none. */
export function ArtifactList({ jobId, ended }: { jobId: string; ended: boolean }) {
  const { data } = useQuery({
    queryKey: ['jobs', 'artifacts', jobId, ended],
    queryFn: async ({ signal }) => (await api.jobs.artifacts({ id: jobId }, { signal })).artifacts,
    staleTime: 30_000,
  })
  const files = newest(data ?? [])
  if (files.length === 0) return null
  return (
    <section aria-label="Artefacts" className="rounded-lg border border-line bg-surface p-4">
      <h3 className="mb-2 text-sm font-semibold">Artefacts</h3>
      <ul>
        {files.map(({ name, bytes, attempt }) => (
          <li key={name} className="flex items-center gap-2 border-t border-line py-1 text-sm first:border-t-0">
            <span className="min-w-0 flex-1 truncate font-mono text-xs" title={name}>
              {visibleText(name)}
            </span>
            <span className="text-muted tabular-nums">{byteSize(bytes)}</span>
            <a
              href={artifactUrl(jobId, name, attempt)}
              download
              aria-label={`Download ${visibleText(name)}`}
              title="Download"
              className={buttonLook('quiet', 'small-icon')}
            >
              <Download aria-hidden className="size-3.5" />
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Of each name that of its last attempt. */
function newest(files: readonly Artifact[]): Artifact[] {
  const byName = new Map<string, Artifact>()
  for (const file of files) {
    const known = byName.get(file.name)
    if (!known || known.attempt < file.attempt) byName.set(file.name, file)
  }
  return [...byName.values()]
}
