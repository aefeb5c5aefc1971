/**
 * The control groups of one container from its topmost down to those that have processes, parents first: with some
 * runtimes the processes are in a leaf below it.
 *
 * @param pod the pod's control group.
 * @param member control group of one of the container's processes.
 * @param all control groups of all processes of the pod.
 */
export function containerCgroups(pod: string, member: string, all: readonly string[]): string[] {
  const container = topmost(pod, member)
  const found = new Set<string>()
  for (const cgroup of [member, ...all]) {
    if (topmost(pod, cgroup) !== container) continue
    for (let at = cgroup; at.length >= container.length; at = parentOf(at)) found.add(at)
  }
  return [...found].toSorted((a, b) => a.length - b.length || a.localeCompare(b))
}

/** The one directly below the pod's; the pod's itself where a process is in that. */
function topmost(pod: string, cgroup: string): string {
  const slash = cgroup.indexOf('/', pod.length + 1)
  return slash === -1 ? cgroup : cgroup.slice(0, slash)
}

function parentOf(cgroup: string): string {
  return cgroup.slice(0, cgroup.lastIndexOf('/'))
}
