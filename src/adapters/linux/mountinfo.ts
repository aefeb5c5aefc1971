/** One line of /proc/PID/mountinfo, as far as it matters here. */
export interface Mount {
  /** `MAJOR:MINOR` of the file system; major 0 where it lies on no block device, or on several. */
  readonly device: string
  readonly at: string
  readonly type: string
  readonly source: string
}

/** All mounts of the text. Lines that cannot be understood are left out. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
}

function parseLine(line: string): Mount | null {
  // Optional fields of any number end in a lone hyphen.
  const [left, right] = line.split(' - ', 2)
  const [, , device, , at] = left?.split(' ') ?? []
  const [type, source] = right?.split(' ') ?? []
  if (device === undefined || at === undefined || type === undefined || source === undefined) return null
  return { device, at: unescapeOctal(at), type, source: unescapeOctal(source) }
}

/** The kernel writes space, tab, newline and backslash as `\040` and the like, in mountinfo and in /proc/swaps. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
