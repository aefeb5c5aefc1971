/** One line of /proc/PID/mountinfo, as far as it matters here. */
export interface Mount {
  /** Of the mount itself; given out again once it is gone. */
  readonly id: number
  /** `MAJOR:MINOR` of the file system; major 0 where it lies on no block device, or on several. */
  readonly device: string
  /** What of the file system is mounted: a path within it, or `/`. */
  readonly root: string
  readonly at: string
  readonly type: string
  readonly source: string
}

/** All mounts of the text, the upper ones after those they cover. Lines that cannot be understood are left out. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
}

function parseLine(line: string): Mount | null {
  // Optional fields of any number end in a lone hyphen.
  const [left, right] = line.split(' - ', 2)
  const [id, , device, root, at] = left?.split(' ') ?? []
  const [type, source] = right?.split(' ') ?? []
  if (id === undefined || device === undefined || root === undefined || at === undefined) return null
  if (type === undefined || source === undefined || !/^\d+$/.test(id)) return null
  return { id: Number(id), device, root: unescapeOctal(root), at: unescapeOctal(at), type, source: unescapeOctal(source) }
}

/** The kernel writes space, tab, newline and backslash as `\040` and the like, in mountinfo and in /proc/swaps. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** What is mounted exactly there, over everything else; null if nothing is. */
export function mountAt(mounts: readonly Mount[], at: string): Mount | null {
  return mounts.findLast((mount) => mount.at === at) ?? null
}

/**
 * Where a pod's own emptyDir is mounted in one of its containers, at the first of the places where it is; null if at none.
 * That it is the pod's own shows in what of the kubelet's file system is mounted.
 */
export function emptyDirMount(mounts: readonly Mount[], podUid: string, name: string, places: readonly string[]): Mount | null {
  const directory = `/${podUid}/volumes/kubernetes.io~empty-dir/${name}`
  for (const at of places) {
    const mount = mountAt(mounts, at)
    if (mount?.root.endsWith(directory) === true) return mount
  }
  return null
}
