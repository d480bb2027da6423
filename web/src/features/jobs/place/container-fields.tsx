import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { Field, Input } from '../../../components/field.tsx'
import { CheckField, LinesField, TextField } from '../../../components/value-fields.tsx'
import { imagesQuery } from '../../images/queries.ts'
import { listProblem, readVolume, volumeLine } from './job-place.ts'
import type { PlacePart } from './place-fields.tsx'

type Container = NonNullable<PlacePart['place']['container']>

/** `imageless`: what it gets that names no image. */
export function ContainerFields({ place, onChange, errorOf, imageless }: PlacePart & { imageless?: string }) {
  const container = place.container ?? {}
  const volumes = (container.volumes ?? []).map(volumeLine)
  const set = (change: Partial<Container>) => onChange({ container: dropUndefined({ ...container, ...change }) })
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <ImageField
          placeholder={imageless}
          value={container.image ?? ''}
          error={errorOf('container.image')}
          onChange={(image) => set({ image: image || undefined })}
        />
        <TextField
          label="User"
          optional
          mono
          placeholder="65534:65534"
          hint="uid or uid:gid, in digits; never root"
          error={errorOf('container.user')}
          value={container.user ?? ''}
          onChange={(user) => set({ user: user.trim() || undefined })}
        />
        <LinesField
          label="Volumes"
          optional
          placeholder="cache:/var/cache:rw"
          hint="One a line, NAME:/path, read-only unless :rw; those that are allowed"
          error={listProblem(
            (field) =>
              errorOf(field) ?? ['name', 'path', 'mode'].map((one) => errorOf(`${field}.${one}`)).find(Boolean),
            'container.volumes',
            volumes,
          )}
          value={volumes}
          onChange={(lines) => set({ volumes: lines.length === 0 ? undefined : lines.map(readVolume) })}
        />
        <CheckField
          className="self-start sm:mt-7"
          label="Read-only root"
          hint="Only its work directory, /tmp and what is mounted to be written can be"
          value={container.read_only_root ?? false}
          onChange={(on) => set({ read_only_root: on || undefined })}
        />
      </div>
    </>
  )
}

/** A name of the catalogue, or a reference that is allowed beside it. */
export function ImageField({
  value,
  error,
  placeholder,
  onChange,
}: {
  value: string
  error?: string
  placeholder?: string
  onChange: (image: string) => void
}) {
  const { data } = useQuery(imagesQuery)
  const listId = useId()
  const usable = data?.images.filter(({ enabled, problem }) => enabled && problem === null) ?? []
  const beside = (data?.allowed.length ?? 0) > 0
  return (
    <Field
      label="Image"
      optional={placeholder !== undefined}
      error={error}
      hint={
        data && usable.length === 0 && !beside
          ? 'There is none in the catalogue yet: an administrator adds them under Images'
          : beside
            ? 'Of the catalogue, or an allowed reference'
            : 'Of the catalogue'
      }
    >
      {(binding) => (
        <>
          <Input
            {...binding}
            className="font-mono"
            list={listId}
            autoComplete="off"
            spellCheck={false}
            placeholder={placeholder ?? usable[0]?.name ?? 'python'}
            value={value}
            onChange={(event) => onChange(event.target.value.trim())}
          />
          <datalist id={listId}>
            {usable.map(({ name, reference }) => (
              <option key={name} value={name}>
                {reference}
              </option>
            ))}
          </datalist>
        </>
      )}
    </Field>
  )
}

export function dropUndefined<T extends object>(value: T): T | undefined {
  const filled = Object.entries(value).filter(([, one]) => one !== undefined)
  return filled.length === 0 ? undefined : (Object.fromEntries(filled) as T)
}
