import { mkdir, mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { run } from '../../command.ts'
import type { Teardown } from '../../libvirt-host.ts'
import { startNodeKeeper, type NodeKeeper } from '../node/keeper.ts'
import { makePod, type RuncPod, type RuncPodOptions } from './runc-pod.ts'

export interface RuncNodeOptions {
  /** What runc finds: `v2` wherever a second version is mounted, `v1` only where the machine has it. @default the machine's own */
  readonly cgroups?: 'v1' | 'v2'
}

/** A node without a kubelet: a kubelet's directories, and pods that are nothing but containers made by a real runc. */
export class RuncNode {
  readonly #keeper: NodeKeeper
  /** As the kubelet's: `${kubeletDir}/pods/<uid>/…`; the same path outside and on the node. */
  readonly kubeletDir: string
  /** Where the node's cgroups are mounted, seen from here: what an agent is given. */
  readonly cgroupRoot: string
  /** The hierarchy that has the devices. */
  readonly devicesRoot: string
  /** The cgroup above `kubepods`, in every hierarchy. */
  readonly cgroup: string

  constructor(keeper: NodeKeeper, directory: string, cgroups: 'v1' | 'v2') {
    this.#keeper = keeper
    this.kubeletDir = join(directory, 'kubelet')
    this.cgroup = `/${basename(directory)}`
    this.cgroupRoot = cgroups === 'v2' ? join(keeper.root, 'sys/fs/cgroup') : '/sys/fs/cgroup'
    this.devicesRoot = cgroups === 'v2' ? this.cgroupRoot : join(this.cgroupRoot, 'devices')
  }

  /** The node's PID 1; `${root}/…` are its files. */
  get pid(): number {
    return this.#keeper.pid
  }
  get root(): string {
    return this.#keeper.root
  }

  /** Runs a program in the node's namespaces and returns what it printed. Throws CommandError. */
  run(file: string, ...args: readonly string[]): Promise<string> {
    const [nsenter = '', ...enter] = this.#keeper.enter
    return run(nsenter, [...enter, file, ...args])
  }

  /** A running pod (0.3 s): its volumes' directories, its sandbox and its one container. */
  startPod(options: RuncPodOptions = {}): Promise<RuncPod> {
    return makePod(this, options)
  }

  /** Ends all pods; nothing remains. Safe to call twice. */
  stop(): Promise<void> {
    return this.#keeper.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Makes such a node (0.2 s). With `t` it ends with the test; it ends with this process, too, however that ends. */
export const startRuncNode = async (t?: Teardown, options: RuncNodeOptions = {}): Promise<RuncNode> => {
  const directory = await mkdtemp(join(tmpdir(), 'hotplugd-node-'))
  await mkdir(join(directory, 'kubelet/pods'), { recursive: true })
  const cgroups = options.cgroups ?? ((await isV2()) ? 'v2' : 'v1')
  const keeper = await startNodeKeeper({ directory, cgroup: basename(directory), namespaces: ['mount'], init: ['runc-init.sh', cgroups] })
  const node = new RuncNode(keeper, directory, cgroups)
  t?.teardown(() => node.stop())
  return node
}

/** Version 2 alone; the mixed one of older machines counts as version 1, as it does for runc. */
const isV2 = (): Promise<boolean> => stat('/sys/fs/cgroup/cgroup.controllers').then(() => true, () => false)
