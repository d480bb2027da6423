import { shortTime } from '../lib/time.ts'
import { sentence } from '../lib/sentence.ts'
import { RelativeTime } from './relative-time.tsx'

const instant = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/

/** A sentence of the server's; instants in it are shown in the reader's own time, and how far away they are. */
export function TimedText({ text }: { text: string }) {
  return sentence(text)
    .split(instant)
    .map((part, index) =>
      index % 2 === 0 ? (
        part
      ) : (
        <span key={index}>
          {shortTime(part)} (<RelativeTime at={part} />)
        </span>
      ),
    )
}
