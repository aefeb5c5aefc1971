import { allowsBlock } from '../../../core/node/device-rules.ts'
import type { ContainerCgroups } from './pod-views.ts'
import { readRules } from './device-rules.ts'

/**
 * Whether the rule that lets a container use a device is, or will be, one that the agent put there and may take away. Of
 * version 2 what the agent adds stays apart. Of version 1 all rules are alike: one that is there before the device was
 * exposed belongs to the container, a permanent disk of the VM perhaps.
 *
 * @param isExposed whether the volume's node is there already, from an earlier attempt.
 */
export async function isRuleOurs({ version, directories }: ContainerCgroups, device: string, isExposed: () => Promise<boolean>): Promise<boolean> {
  const [container] = directories
  if (version === 2 || container === undefined) return true
  const rules = readRules(container)
  if (rules === null || !allowsBlock(rules, device)) return true
  const others = rules.filter(({ type, major, minor }) => type !== 'b' || `${major}:${minor}` !== device)
  return !allowsBlock(others, device) && isExposed()
}
