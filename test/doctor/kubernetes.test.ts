import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { ACCESS_RULES, type AccessRule } from '../../src/doctor/access-rules.ts'
import { PROJECT, until } from '../support/lab.ts'
import { type ApiServer, installKubeVirtCrds, startApiServer } from '../support/kubernetes/lab.ts'
import { examine, type Examined } from './examine.ts'

const base = await mkdtemp(join(tmpdir(), 'hotplugd-doctor-'))
t.teardown(() => rm(base, { recursive: true, force: true }))
await mkdir(join(base, 'kubelet/pods/some-pod'), { recursive: true })
const server = await startApiServer(t)

const FLAGS = ['--mode', 'kubernetes', '--listen', 'none', '--run-dir', join(base, 'run'), '--socket', join(base, 'hotplugd.sock'), '--kubelet-dir', join(base, 'kubelet')]
const ROLE = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'doctor' } }

function look(kubeconfig: string, options: { readonly flags?: readonly string[]; readonly under?: readonly string[] } = {}): Promise<Examined> {
  return examine([...FLAGS, '--node-name', 'node1', '--kubeconfig', kubeconfig, ...(options.flags ?? [])], options.under)
}

/** Looks until it is so: a role holds a moment after it was changed. */
function looks(kubeconfig: string, isSo: (found: Examined) => boolean, flags: readonly string[] = []): Promise<Examined> {
  return until('the doctor to find it so', async () => {
    const found = await look(kubeconfig, { flags })
    if (!isSo(found)) throw new Error(JSON.stringify(found.findings))
    return found
  }, 200)
}

async function allow(server: ApiServer, rules: readonly AccessRule[]): Promise<void> {
  const role = { ...ROLE, rules: rules.map(({ group, resource, verb }) => ({ apiGroups: [group], resources: [resource], verbs: [verb] })) }
  if ((await server.find(ROLE)) !== null) await server.patch(ROLE, { rules: role.rules })
  else await server.create(role)
}

/** A pod of the agent on node1, and its token. */
async function agent(): Promise<string> {
  await server.create({ ...ROLE, kind: 'ClusterRoleBinding', roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'doctor' }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }] })
  const { kubeconfig } = await server.as(await server.tokenFor('default', { node: 'node1' }))
  return kubeconfig
}

t.test('what is asked for is what the chart gives', async (t) => {
  const template = (await readFile(join(PROJECT, 'helm/hotplugd/templates/rbac.yaml'), 'utf8')).replace(/^\s*\{\{.*\}\}$|\{\{.*?\}\}/gm, '')
  const role = parseAllDocuments(template).map((document) => document.toJS() as { kind?: string; rules?: { apiGroups: string[]; resources: string[]; verbs: string[] }[] }).find(({ kind }) => kind === 'ClusterRole')
  const given = (role?.rules ?? []).flatMap(({ apiGroups, resources, verbs }) => verbs.map((verb) => `${apiGroups.join()}/${resources.join()}: ${verb}`))
  t.same(ACCESS_RULES.map(({ group, resource, verb }) => `${group}/${resource}: ${verb}`).sort(), given.sort())
})

t.test('on a real API server: before KubeVirt is there, with all verbs, and without some', async (t) => {
  await allow(server, ACCESS_RULES)
  const kubeconfig = await agent()
  const early = await look(kubeconfig)
  t.equal(early.code, 1)
  t.match(early.of('kubevirt'), /^failed: the API server has no virtualmachineinstances\.kubevirt\.io\/v1/)

  await installKubeVirtCrds(server)
  const well = await looks(kubeconfig, ({ code }) => code === 0)
  t.match(well.of('api-server'), /^ok: https:\/\/127\.0\.0\.1:\d+ answers: Kubernetes v1\./)
  t.equal(well.of('rbac'), `ok: all ${ACCESS_RULES.length} verbs are allowed`)
  t.match(well.of('kubevirt'), /^warning: there is no KubeVirt CR/)
  t.match(well.of('node-name'), /^ok: 1 pods are on node node1/)
  t.match(well.of('kubelet-dir'), 'ok: ' + join(base, 'kubelet/pods') + ' has 1 pods')
  t.match(well.of('role'), /^ok: --role auto; no virt-handler DaemonSet in namespace kubevirt/)
  t.match(well.of('kernel'), /open_tree, move_mount/)

  const asInPod = await look(kubeconfig, { under: ['setpriv', '--bounding-set', '-all,+sys_admin,+sys_ptrace,+sys_chroot,+mknod,+chown,+dac_override', '--no-new-privs'] })
  t.equal(asInPod.code, 0, `with the six capabilities of the chart: ${JSON.stringify(asInPod.findings)}`)

  await allow(server, ACCESS_RULES.filter(({ resource, verb }) => !(resource === 'virtualmachineinstances' && verb === 'patch') && resource !== 'kubevirts'))
  const poor = await looks(kubeconfig, ({ of }) => of('rbac').includes('kubevirts') && of('rbac').includes('patch'))
  t.equal(poor.code, 1)
  t.match(poor.of('rbac'), /failed: may not patch virtualmachineinstances\.kubevirt\.io.*so this fails: status is written\n/)
  t.match(poor.of('rbac'), /may not list kubevirts\.kubevirt\.io/)
  t.match(poor.of('kubevirt'), /^warning: cannot be found out: .*403/)
  t.match(poor.findings.find(({ name }) => name === 'rbac')?.remedy, /apiGroups: \["kubevirt\.io"\], resources: \["virtualmachineinstances"\], verbs: \["patch"\]/)
  await allow(server, ACCESS_RULES.filter(({ verb }) => ['get', 'list', 'watch'].includes(verb)))
  await looks(kubeconfig, ({ of }) => /may not create events/.test(of('rbac')))
  await looks(kubeconfig, ({ of }) => /^ok: all 11 verbs are allowed/.test(of('rbac')), ['--role', 'companion'])
})

t.test('a wrong node, a wrong kubelet directory, a missing capability, a token that nobody knows, no server', async (t) => {
  const admin = server.kubeconfig
  const wrong = await look(admin, { flags: ['--node-name', 'node9', '--kubelet-dir', join(base, 'nowhere')] })
  t.match(wrong.of('node-name'), /^warning: no pod at all is on a node "node9"/)
  t.match(wrong.of('kubelet-dir'), /^failed: .*nowhere\/pods cannot be read: ENOENT/)
  const bare = await look(admin, { under: ['setpriv', '--bounding-set', '-sys_admin,-mknod'] })
  t.match(bare.of('capabilities'), /lacks CAP_SYS_ADMIN, which mounts inside launchers[^]*lacks CAP_MKNOD/)
  t.match(bare.of('kernel'), /^failed: Linux \S+ refuses .*move_mount \(EPERM\)/)
  const { kubeconfig } = await server.as('nobody-knows-this-token')
  t.match((await look(kubeconfig)).of('api-server'), /^failed: .*401/)
  t.match((await look(join(base, 'missing.yaml'))).of('api-server'), /^failed: .*missing\.yaml/)
  await server.kill9()
  t.match((await look(admin)).of('api-server'), /^failed: .*ECONNREFUSED/)
})
