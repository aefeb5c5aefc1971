import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { until } from '../../lab.ts'
import { PAUSE_IMAGE, startCluster, type Cluster, type KubeObject } from '../lab.ts'

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false)

const sleeper = (name: string, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: PAUSE_IMAGE, imagePullPolicy: 'Never', ...more }] },
})

const daemonSet = (name: string): KubeObject => {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: sleeper(name)['spec'] } },
  }
}

interface Traces {
  readonly pids: readonly number[]
  readonly directory: string
  readonly link: string
}

const tracesOf = async (cluster: Cluster, pids: readonly number[]): Promise<Traces> => {
  const links = (await readdir('/sys/class/net')).filter((name) => name === `hotplugd${cluster.network.nodeAddress.split('.')[2]}`)
  return { pids: [cluster.pid, cluster.server.pid, ...pids], directory: cluster.directory, link: links[0] ?? '' }
}

/** Everything that is still there of it. */
const remains = async ({ pids, directory, link }: Traces): Promise<string[]> => {
  const hierarchies = (await readdir('/sys/fs/cgroup')).map((name) => join('/sys/fs/cgroup', name, basename(directory)))
  const loops = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'))
  const behind = await Promise.all(loops.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')))
  const paths = [directory, join('/sys/class/net', link), ...hierarchies, ...pids.map((pid) => `/proc/${pid}`)]
  const left = await Promise.all(paths.map(async (path) => ((await exists(path)) ? [path] : [])))
  return [...left.flat(), ...behind.filter((file) => file.includes(directory))]
}

const tests = (): void => {
  t.test('a cluster runs pods', async (t) => {
    const cluster = await startCluster(t, { kubeletDir: '/var/lib/rancher/agent/kubelet' })
    await cluster.server.create(daemonSet('agent'))
    const pod = await cluster.podReady(await cluster.server.create(sleeper('one')))
    t.match(await cluster.exec(pod, 'cat', '/proc/self/cgroup'), `:/kubepods/besteffort/pod${pod.metadata.uid}/`)
    t.ok(await exists(`${cluster.root}${cluster.kubeletDir}/pods/${pod.metadata.uid}`))
    const answer = await cluster.exec(pod, 'wget', '-q', '-O', '-', '--no-check-certificate', 'https://10.96.0.1/version')
    t.match(JSON.parse(answer), { major: '1', gitVersion: /^v1\./ })

    const pid = await cluster.containerPid(pod)
    t.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /sleep/)
    await cluster.kubelet.kill9()
    t.ok(await exists(`/proc/${pid}`), 'containers outlive the kubelet')
    await cluster.server.restart()
    await cluster.kubelet.start()
    await cluster.server.delete(pod)
    await cluster.podGone(pod)
    await until('its container to go', async () => !(await exists(`/proc/${pid}`)))

    const agent = await until('the pod of a DaemonSet', async () => (await cluster.server.list('v1', 'Pod', 'default', 'labelSelector=app=agent'))[0])
    await cluster.podReady(agent)

    const traces = await tracesOf(cluster, [])
    t.not(traces.link, '')
    await cluster.stop()
    t.strictSame(await remains(traces), [])
  })

  t.test('when the test process is killed nothing is left', async (t) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'live'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const traces = JSON.parse(line) as Traces
    child.kill('SIGKILL')
    await until('the cluster to go', async () => {
      const left = await remains(traces)
      if (left.length > 0) throw new Error(left.join(' '))
      return true
    })
    t.pass('all gone')
  })
}

/** A cluster in a process that is going to be killed. */
const live = async (): Promise<void> => {
  const cluster = await startCluster()
  const pod = await cluster.podReady(await cluster.server.create(sleeper('one')))
  console.log(JSON.stringify(await tracesOf(cluster, [await cluster.containerPid(pod)])))
  setInterval(() => undefined, 1000)
}

if (process.argv[2] === 'live') await live()
else tests()
