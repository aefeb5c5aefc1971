/** What hotplugd does on a node: the hotplug job itself, or only watching whoever does it. */
export type Role = 'agent' | 'companion'

/** The values of `--role`. */
export const ROLE_CHOICES = ['auto', 'agent', 'companion'] as const
/** What a user asks for. `auto`: found out, and found out again whenever it may have changed. */
export type RoleChoice = (typeof ROLE_CHOICES)[number]

/** A role with its reason in words. */
export interface RoleVerdict {
  readonly role: Role
  readonly why: string
}
