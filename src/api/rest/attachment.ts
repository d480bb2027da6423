/** RFC 6266: the last part of its name, also for those who read only ASCII. */
export function attachment(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  const plain = last.replaceAll(/[^\w .()+,@-]/g, '_')
  const encoded = encodeURIComponent(last).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"${plain === last ? '' : `; filename*=UTF-8''${encoded}`}`
}
