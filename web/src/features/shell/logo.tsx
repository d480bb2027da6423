/** Tracks of a yard that run together. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={className}>
      <rect width="32" height="32" rx="7" fill="#0e4f66" />
      <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
        <path d="M7 23h18" />
        <path d="M7 16h7c4 0 4 7 8 7" opacity=".75" />
        <path d="M7 9h9c6 0 4 14 9 14" opacity=".5" />
      </g>
    </svg>
  )
}
