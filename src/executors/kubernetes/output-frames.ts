/** The words at the end of a container as the file of frames that a sandbox gives (`job/report-frames.ts`). */

/** Longer ones are cut by the node. */
const mostBytes = 4096

const frame = (letter: string, text: string | Buffer = ''): Buffer => {
  const bytes = Buffer.from(text as string)
  const head = Buffer.alloc(5)
  head.write(letter, 'latin1')
  head.writeUInt32LE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

export function outputFrames(text: string): Buffer {
  const whole = Buffer.byteLength(text) < mostBytes
  const contents = text === '' ? [] : [frame('D', text)]
  return Buffer.concat([frame('S', 'output'), frame('F', 'output'), ...contents, frame(whole ? 'E' : 'C'), frame('Z')])
}
