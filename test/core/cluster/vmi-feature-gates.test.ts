import t from 'tap'
import { hotplugGate } from '../../../src/core/cluster/vmi-feature-gates.ts'

const kubevirt = (version: string | undefined, featureGates?: unknown, disabledFeatureGates?: unknown, phase: unknown = 'Deployed'): unknown => ({
  spec: { configuration: { developerConfiguration: { featureGates, disabledFeatureGates } } },
  status: { phase, observedKubeVirtVersion: version },
})

const CASES: readonly (readonly [string, readonly unknown[], boolean, boolean])[] = [
  ['no KubeVirt CR: own setting on', [], true, true],
  ['no KubeVirt CR: own setting off', [], false, false],
  ['not taken up yet: own setting', [kubevirt('v1.8.0', [], [], '')], true, true],
  ['no status: own setting', [{ spec: {} }], false, false],
  ['v1.8, no gates', [kubevirt('v1.8.1')], true, false],
  ['v1.8, HotplugVolumes', [kubevirt('v1.8.1', ['HotplugVolumes'])], false, true],
  ['v1.8, DeclarativeHotplugVolumes', [kubevirt('v1.8.1', ['X', 'DeclarativeHotplugVolumes'])], false, true],
  ['v1.9, no gates', [kubevirt('v1.9.0')], false, true],
  ['v1.9.0-rc.1', [kubevirt('v1.9.0-rc.1', [])], false, true],
  ['v1.10', [kubevirt('v1.10.2', [])], false, true],
  ['v2.0', [kubevirt('v2.0.0', [])], false, true],
  ['v1.9, disabled', [kubevirt('v1.9.0', [], ['DeclarativeHotplugVolumes'])], true, false],
  ['v1.9, declarative disabled, imperative on', [kubevirt('v1.9.0', ['HotplugVolumes'], ['DeclarativeHotplugVolumes'])], false, true],
  ['v1.9, imperative disabled only', [kubevirt('v1.9.0', [], ['HotplugVolumes'])], false, true],
  ['no version: own setting', [kubevirt(undefined)], true, true],
  ['a version of a developer: own setting', [kubevirt('devel')], false, false],
  ['gates that are no list', [kubevirt('v1.8.0', 'HotplugVolumes')], true, false],
]

for (const [name, kubevirts, own, expected] of CASES) {
  t.test(name, async (t) => t.equal(hotplugGate(kubevirts, own) === null, expected))
}

t.test('why', async (t) => {
  t.match(hotplugGate([kubevirt('v1.8.0')], true), { reason: 'FeatureGateOff', cause: /neither .* in the KubeVirt CR \(v1.8.0\)/ })
})
