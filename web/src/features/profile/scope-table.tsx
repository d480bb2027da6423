import { Alert } from '../../components/alert.tsx'
import { useMe } from '../session/session.ts'
import { isWholeAccount, kindsFor, type Access } from './scopes.ts'

interface ScopeTableProps {
  access: Record<string, Access>
  onChange: (access: Record<string, Access>) => void
}

const titles: Record<Access, string> = { none: 'Nothing', read: 'Read', write: 'Read and change' }

/** For each kind of thing one of three. */
export function ScopeTable({ access, onChange }: ScopeTableProps) {
  const role = useMe()?.role
  return (
    <>
      <table className="w-full rounded-md border border-line text-sm">
        <thead>
          <tr className="text-xs text-muted">
            <th scope="col" className="px-2.5 py-1 text-left font-normal">
              Kind
            </th>
            {Object.values(titles).map((title) => (
              <th key={title} scope="col" className="px-1 py-1 font-normal">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {kindsFor(role).map(({ kind, label, readOnly }) => (
            <tr key={kind} className="border-t border-line">
              <th scope="row" className="px-2.5 py-1 text-left font-normal">
                {label}
              </th>
              {(Object.keys(titles) as Access[]).map((each) => (
                <td key={each} className="text-center">
                  {!(readOnly && each === 'write') && (
                    <input
                      type="radio"
                      name={`scope-${kind}`}
                      aria-label={`${label}: ${titles[each]}`}
                      checked={(access[kind] ?? 'none') === each}
                      onChange={() => onChange({ ...access, [kind]: each })}
                    />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {isWholeAccount(role, access) && (
        <Alert kind="note">
          Who may change accounts or issue certificates as an administrator can get everything else. Keep such a token
          like your password.
        </Alert>
      )}
    </>
  )
}
