import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { OPTION_NAMES } from '../../src/config/options.ts'
import { PROJECT } from '../support/paths.ts'
import { CHART, NAMESPACE, one, RELEASE, runHelm, template, yamlValue, type KubernetesObject } from './chart.ts'

const NAME = `${RELEASE}-hotplugd`
const CLUSTER_NAME = `${NAME}.${NAMESPACE}`
const CAPABILITIES = ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT', 'MKNOD', 'CHOWN', 'DAC_OVERRIDE']

interface Mount {
  readonly name: string
  readonly mountPath: string
  readonly mountPropagation?: string
}

const podOf = (objects: readonly KubernetesObject[]) => one(objects, 'DaemonSet')['spec'].template.spec
const containerOf = (objects: readonly KubernetesObject[]) => podOf(objects).containers[0]
const argsOf = (objects: readonly KubernetesObject[]): readonly string[] => containerOf(objects).args

t.test('helm lint --strict', async (t) => {
  t.match(await runHelm(['lint', '--strict', CHART]), /0 chart\(s\) failed/)
})

t.test('version of chart and image are the project’s', async (t) => {
  const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as { version: string }
  const chart = yamlValue(await readFile(join(CHART, 'Chart.yaml'), 'utf8'))
  t.match(chart, { version, appVersion: version })
  t.equal(containerOf(await template()).image, `hotplugd:${version}`)
})

t.test('what there is, and what it is called', async (t) => {
  const objects = await template()
  t.same(objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '-'} ${metadata.name}`).sort(), [
    `ClusterRole - ${CLUSTER_NAME}`,
    `ClusterRoleBinding - ${CLUSTER_NAME}`,
    `DaemonSet ${NAMESPACE} ${NAME}`,
    `ServiceAccount ${NAMESPACE} ${NAME}`,
    `ValidatingAdmissionPolicy - ${CLUSTER_NAME}`,
    `ValidatingAdmissionPolicyBinding - ${CLUSTER_NAME}`,
  ])
  for (const { kind, metadata } of objects) t.match(metadata.labels, { 'app.kubernetes.io/name': 'hotplugd', 'app.kubernetes.io/instance': RELEASE }, kind)
})

t.test('the pod may do what it must, and no more', async (t) => {
  const objects = await template()
  const pod = podOf(objects)
  t.equal(pod.containers.length, 1)
  t.equal(pod.hostPID, true)
  t.notOk(pod.hostNetwork || pod.hostIPC)
  t.equal(pod.priorityClassName, 'system-node-critical')
  t.equal(pod.serviceAccountName, NAME)
  t.equal(pod.automountServiceAccountToken, true)
  t.equal(one(objects, 'ServiceAccount')['automountServiceAccountToken'], false)
  t.same(pod.tolerations, [{ operator: 'Exists' }])
  t.same(pod.nodeSelector, { 'kubernetes.io/os': 'linux' })
  t.same(pod.securityContext, { seccompProfile: { type: 'RuntimeDefault' }, appArmorProfile: { type: 'Unconfined' } })
  t.same(containerOf(objects).securityContext, {
    runAsUser: 0, runAsGroup: 0, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'], add: CAPABILITIES },
  })
  t.same(one(objects, 'DaemonSet')['spec'].updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } })
})

t.test('mounts: run directory, pods, cgroups', async (t) => {
  const mounted = async (values: Record<string, unknown>): Promise<readonly string[]> => {
    const objects = await template(values)
    const { volumes } = podOf(objects) as { volumes: readonly { name: string; hostPath: { path: string; type: string } }[] }
    return (containerOf(objects).volumeMounts as readonly Mount[]).map(({ name, mountPath, mountPropagation = 'None' }) => {
      const { path, type } = volumes.find((volume) => volume.name === name)?.hostPath ?? { path: '', type: '' }
      return `${path} ${type} ${mountPath} ${mountPropagation}`
    })
  }
  t.same(await mounted({}), [
    '/run/hotplugd DirectoryOrCreate /run/hotplugd None',
    '/var/lib/kubelet/pods Directory /var/lib/kubelet/pods HostToContainer',
    '/sys/fs/cgroup Directory /sys/fs/cgroup None',
  ])
  t.same(await mounted({ kubeletDir: '/var/lib/k0s/kubelet', runDir: '/run/other' }), [
    '/run/other DirectoryOrCreate /run/other None',
    '/var/lib/k0s/kubelet/pods Directory /var/lib/k0s/kubelet/pods HostToContainer',
    '/sys/fs/cgroup Directory /sys/fs/cgroup None',
  ])
})

t.test('arguments follow the values, and hotplugd knows each', async (t) => {
  const plain = argsOf(await template())
  t.match(plain.join(' '), '--mode=kubernetes --node-name=$(NODE_NAME) --role=auto')
  const agent = { role: 'companion', hotplug: false, kubevirtNamespace: 'kv', sourceLostPolicy: 'Stop', sourceLostGrace: '90s', logLevel: 'debug', extraArgs: ['--call-deadline=20s'] }
  const args = argsOf(await template({ agent, kubeletDir: '/k', runDir: '/r', metrics: { port: 9999, listenAddress: '[::]' } }))
  t.same(args, [
    '--mode=kubernetes', '--node-name=$(NODE_NAME)', '--role=companion', '--kubevirt-namespace=kv', '--kubelet-dir=/k', '--run-dir=/r', '--listen=[::]:9999',
    '--source-lost-policy=Stop', '--source-lost-grace=90s', '--hotplug=false', '--log-level=debug', '--call-deadline=20s',
  ])
  const names = args.map((arg) => /^--([a-z-]+)=/.exec(arg)?.[1] ?? arg)
  t.same(names.filter((name) => !OPTION_NAMES.includes(name)), [])
})

t.test('the node’s name and the socket are in the environment', async (t) => {
  const { env } = containerOf(await template({ runDir: '/run/other', 'agent.extraEnv': [{ name: 'TZ', value: 'UTC' }] }))
  t.same(env, [
    { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'HOTPLUGD_SOCKET', value: '/run/other/hotplugd.sock' },
    { name: 'TZ', value: 'UTC' },
  ])
})

t.test('probes and metrics are at a named port on the pod’s address', async (t) => {
  const objects = await template({ 'metrics.port': 9999 })
  const container = containerOf(objects)
  t.same(container.ports, [{ name: 'metrics', containerPort: 9999 }])
  for (const [probe, path] of [['startupProbe', '/livez'], ['livenessProbe', '/livez'], ['readinessProbe', '/readyz']] as const) {
    t.same(container[probe].httpGet, { path, port: 'metrics' }, probe)
  }
  const { annotations } = one(objects, 'DaemonSet')['spec'].template.metadata
  t.match(annotations, { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9999', 'prometheus.io/path': '/metrics' })
  const without = one(await template({ 'metrics.annotations': false }), 'DaemonSet')['spec'].template.metadata.annotations
  t.notOk('prometheus.io/scrape' in without)
})

t.test('a PodMonitor only where it is asked for', async (t) => {
  const monitor = one(await template({ 'metrics.podMonitor': { enabled: true, interval: '15s', labels: { team: 'storage' } } }), 'PodMonitor')
  t.match(monitor.metadata.labels, { team: 'storage' })
  t.match(monitor['spec'].podMetricsEndpoints, [{ port: 'metrics', path: '/metrics', interval: '15s' }])
  const selected = one(await template(), 'DaemonSet')['spec'].selector.matchLabels
  t.same(monitor['spec'].selector.matchLabels, selected)
})

t.test('what operators add', async (t) => {
  const digest = `sha256:${'a'.repeat(64)}`
  const objects = await template({
    image: { repository: 'example.test:5000/virt/hotplugd', digest, pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'pull' }],
    podLabels: { team: 'storage' },
    podAnnotations: { note: 'x' },
    commonLabels: { cost: '42' },
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
    seLinuxOptions: { type: 'spc_t' },
    appArmorProfile: null,
    'updateStrategy.maxUnavailable': '10%',
  })
  const pod = podOf(objects)
  const { metadata } = one(objects, 'DaemonSet')['spec'].template
  t.equal(containerOf(objects).image, `example.test:5000/virt/hotplugd@${digest}`)
  t.equal(containerOf(objects).imagePullPolicy, 'Always')
  t.same(pod.imagePullSecrets, [{ name: 'pull' }])
  t.match(metadata, { labels: { team: 'storage', cost: '42' }, annotations: { note: 'x' } })
  t.ok(pod.affinity.nodeAffinity)
  t.same(pod.securityContext, { seccompProfile: { type: 'RuntimeDefault' }, seLinuxOptions: { type: 'spc_t' } })
  t.equal(one(objects, 'DaemonSet')['spec'].updateStrategy.rollingUpdate.maxUnavailable, '10%')
  for (const { kind, metadata } of objects) t.equal(metadata.labels?.['cost'], '42', kind)
})

t.test('an account of somebody else’s making', async (t) => {
  const objects = await template({ serviceAccount: { create: false, name: 'theirs' }, 'rbac.create': false })
  t.same(objects.map(({ kind }) => kind).sort(), ['DaemonSet', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'])
  t.equal(podOf(objects).serviceAccountName, 'theirs')
  t.match(one(objects, 'ValidatingAdmissionPolicy')['spec'].matchConditions[0].expression, `system:serviceaccount:${NAMESPACE}:theirs'`)
  await t.rejects(template({ 'serviceAccount.create': false }), /serviceAccount.name is needed/)
})

t.test('the role: exactly this', async (t) => {
  interface Rule {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly verbs: readonly string[]
  }
  const { rules } = one(await template(), 'ClusterRole') as unknown as { rules: readonly Rule[] }
  const table = rules.flatMap(({ apiGroups, resources, verbs }) => apiGroups.flatMap((group) => resources.map((resource) => `${group || 'core'}/${resource}: ${verbs.join(' ')}`)))
  t.same(table.sort(), [
    'apps/daemonsets: get list',
    'core/events: create patch',
    'core/pods: get list watch',
    'kubevirt.io/kubevirts: get list watch',
    'kubevirt.io/virtualmachineinstances/status: patch',
    'kubevirt.io/virtualmachineinstances: get list watch patch',
  ])
})

t.test('names stay legal whatever the release is called', async (t) => {
  const names = async (release: string): Promise<readonly string[]> => {
    const text = await runHelm(['template', release, CHART, '--namespace', NAMESPACE])
    return [...text.matchAll(/^  name: (.+)$/gm)].map(([, name]) => name ?? '')
  }
  t.ok((await names('hotplugd')).every((name) => name === 'hotplugd' || name === `hotplugd.${NAMESPACE}`))
  for (const name of await names('r'.repeat(53))) t.ok(name.replace(`.${NAMESPACE}`, '').length <= 63, name)
})
