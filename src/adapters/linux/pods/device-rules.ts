import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allowsBlock, parseDeviceRules, ruleText, type DeviceRule } from '../../../core/node/device-rules.ts'
import { addon } from '../binding.ts'
import type { ContainerCgroups } from './pod-views.ts'
import { isSystemFailure, meansAbsent } from '../system-failure.ts'

export interface RuleChange {
  /** How many rules or programs had to be changed: none if all was as wanted. */
  readonly changed: number
  /** Of version 2: the programs that are attached now. */
  readonly programs: readonly number[]
}

/**
 * Lets a container use block devices, besides what it may use already. Of version 1 the rule is added to the container's
 * control group and to those below it; of version 2 a part that allows the devices is put before the program that is attached.
 * Throws SystemFailures.
 */
export async function grantDevices({ version, directories }: ContainerCgroups, devices: readonly string[]): Promise<RuleChange> {
  if (version === 2) return addon.changeDeviceRules(directories, devices, [])
  return { changed: directories.reduce((changed, directory) => changed + allow(directory, devices), 0), programs: [] }
}

/** Takes a grant back, and no other rule. A control group that is gone is fine. Throws SystemFailures. */
export async function revokeDevice({ version, directories }: ContainerCgroups, device: string): Promise<RuleChange> {
  if (version === 2) return addon.changeDeviceRules(directories, [], [device])
  for (const directory of directories.toReversed()) writeRule(directory, 'devices.deny', device)
  return { changed: directories.length, programs: [] }
}

/** The rules of one control group of version 1; null if it is gone. Synchronous, never waits. */
export function readRules(directory: string): DeviceRule[] | null {
  try {
    return parseDeviceRules(readFileSync(join(directory, 'devices.list'), 'utf8'))
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

function allow(directory: string, devices: readonly string[]): number {
  const rules = readRules(directory)
  if (rules === null) return 0
  const missing = devices.filter((device) => !allowsBlock(rules, device))
  for (const device of missing) writeRule(directory, 'devices.allow', device)
  return missing.length
}

function writeRule(directory: string, file: 'devices.allow' | 'devices.deny', device: string): void {
  try {
    writeFileSync(join(directory, file), ruleText(device), { flag: 'r+' })
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

function isGone(error: unknown): boolean {
  return meansAbsent(error) || (isSystemFailure(error) && error.code === 'ENODEV')
}
