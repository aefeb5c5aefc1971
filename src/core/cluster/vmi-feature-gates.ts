import type { Impediment } from '../../model/desired.ts'
import { listAt, textAt } from './json-object.ts'

const DECLARATIVE = 'DeclarativeHotplugVolumes'
const IMPERATIVE = 'HotplugVolumes'

/**
 * Whether volumes may be hot-plugged in this cluster: what the KubeVirt CR's gates say, or the agent's own setting where
 * there is no such CR or KubeVirt has not taken it up yet. Null: they may.
 *
 * @param kubevirts the KubeVirt objects of the cluster, as the API server sent them.
 */
export function hotplugGate(kubevirts: readonly unknown[], ownSetting: boolean): Impediment | null {
  const kubevirt = kubevirts.find((one) => (textAt(one, 'status', 'phase') ?? '') !== '')
  if (kubevirt === undefined) return ownSetting ? null : off('hotplug is switched off in the configuration of hotplugd')
  const [enabled, disabled] = ['featureGates', 'disabledFeatureGates'].map((key) => listAt(kubevirt, 'spec', 'configuration', 'developerConfiguration', key))
  const isOn = (gate: string): boolean => enabled?.includes(gate) === true && disabled?.includes(gate) !== true
  if (isOn(IMPERATIVE) || isOn(DECLARATIVE)) return null
  const version = textAt(kubevirt, 'status', 'observedKubeVirtVersion') ?? ''
  const isDefault = isOnByDefault(version, ownSetting) && disabled?.includes(DECLARATIVE) !== true
  return isDefault ? null : off(`neither ${DECLARATIVE} nor ${IMPERATIVE} is on in the KubeVirt CR${version === '' ? '' : ` (${version})`}`)
}

function off(cause: string): Impediment {
  return { reason: 'FeatureGateOff', cause }
}

/** From v1.9 on; of a version that says nothing the agent's own setting decides. */
function isOnByDefault(version: string, ownSetting: boolean): boolean {
  const match = /^v?(\d+)\.(\d+)/.exec(version)
  if (match === null) return ownSetting
  const [major, minor] = [Number(match[1]), Number(match[2])]
  return major > 1 || (major === 1 && minor >= 9)
}
