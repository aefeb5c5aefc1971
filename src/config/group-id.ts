import { HotplugError } from '../errors.ts'

/**
 * The number of a group given by name or number. `groupFile` is the text of /etc/group; groups that only a directory
 * service knows are to be given by number. Throws HotplugError `ConfigInvalid`.
 */
export function groupId(group: string, groupFile: string): number {
  if (/^\d{1,10}$/.test(group)) return Number(group)
  const fields = groupFile.split('\n').map(line => line.split(':')).find(([name]) => name === group)
  if (fields !== undefined && /^\d+$/.test(fields[2] ?? '')) return Number(fields[2])
  throw new HotplugError('ConfigInvalid', `group ${group} is not in /etc/group`, {
    remedy: `Make the group (groupadd ${group}), or give its number if a directory service has it.`,
  })
}
