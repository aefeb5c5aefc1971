/** One line of `devices.list` of a control group of version 1. */
export interface DeviceRule {
  /** `a`: every device there is. */
  readonly type: 'a' | 'b' | 'c'
  /** Null: any. */
  readonly major: number | null
  readonly minor: number | null
  /** Out of `rwm`. */
  readonly access: string
}

/** The rules of a `devices.list`. Lines that cannot be understood are left out: they allow nothing. */
export function parseDeviceRules(text: string): DeviceRule[] {
  return text.split('\n').flatMap((line) => parseRule(line) ?? [])
}

function parseRule(line: string): DeviceRule | null {
  const found = /^([abc]) (\*|\d+):(\*|\d+) ([rwm]{1,3})$/.exec(line.trim())
  if (found === null) return null
  const [, type, major, minor, access] = found
  return { type: type as DeviceRule['type'], major: numberOf(major), minor: numberOf(minor), access: access ?? '' }
}

function numberOf(text: string | undefined): number | null {
  return text === '*' || text === undefined ? null : Number(text)
}

/** The rule that lets a block device be read, written and made, as it is written into `devices.allow` and `devices.deny`. */
export function ruleText(device: string): string {
  return `b ${device} rwm`
}

/** Whether the rules let a block device (`MAJOR:MINOR`) be read, written and made. */
export function allowsBlock(rules: readonly DeviceRule[], device: string): boolean {
  const [major, minor] = device.split(':').map(Number)
  const covering = rules.filter((rule) => rule.type !== 'c' && isOrAny(rule.major, major) && isOrAny(rule.minor, minor))
  return [...'rwm'].every((access) => covering.some((rule) => rule.access.includes(access)))
}

function isOrAny(wanted: number | null, number: number | undefined): boolean {
  return wanted === null || wanted === number
}
