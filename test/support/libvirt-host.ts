import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { run } from './command.ts'
import { keepCapabilities, warm } from './libvirt/capabilities.ts'
import { libvirtdConf, qemuConf, type QemuSettings } from './libvirt/configuration.ts'
import { endDaemon, SOCKET, startDaemon } from './libvirt/daemon.ts'
import { startKeeper, type Keeper } from './libvirt/keeper.ts'

/** Something that ends what a test began: tap's `t` is one. */
export interface Teardown {
  teardown(handler: () => unknown): void
}

/**
 * A libvirt of its own: daemon, configuration, state and guests, all in one mount namespace. Nothing of the machine's own
 * libvirt is used or changed. `await using` or `stop` ends it; so does the end of the process that made it.
 */
export class LibvirtHost {
  readonly #keeper: Keeper
  #daemon: ChildProcess
  /** For virConnectOpen, hotplugd and virsh; stays valid across restarts of the daemon. */
  readonly uri: string
  /** The daemon's socket as seen from outside the namespace. */
  readonly socketPath: string
  /** The namespace's file system as seen from outside: `${root}/run/libvirt/qemu/vm1.pid`, `${root}/var/log/libvirt/…`. */
  readonly root: string

  constructor(keeper: Keeper, daemon: ChildProcess) {
    this.#keeper = keeper
    this.#daemon = daemon
    this.root = keeper.root
    this.socketPath = keeper.root + SOCKET
    this.uri = `qemu+unix:///session?socket=${this.socketPath}`
  }

  /** Of the daemon that runs now. */
  get pid(): number {
    return this.#daemon.pid as number
  }

  /** Runs virsh against this host and returns what it printed. Throws CommandError. Several commands: one string each, joined by `;`. */
  virsh(...args: readonly string[]): Promise<string> {
    return run('virsh', ['--quiet', '--connect', this.uri, ...args])
  }

  /** Makes a domain persistent without starting it. */
  async define(xml: string): Promise<void> {
    const path = `${this.root}/run/lab/define-${process.hrtime.bigint()}.xml`
    await writeFile(path, xml)
    await this.virsh('define', path)
  }

  /** Sends a signal to the daemon only (SIGSTOP, SIGCONT). */
  signal(signal: NodeJS.Signals): void {
    this.#daemon.kill(signal)
  }

  /** Kills the daemon without warning; guests go on. Resolves when it is gone. */
  kill9(): Promise<void> {
    return endDaemon(this.#daemon, 'SIGKILL')
  }

  /** Starts the daemon anew in the same namespace, ending the present one first if it runs. Guests go on. */
  async restart(): Promise<void> {
    await endDaemon(this.#daemon, 'SIGTERM')
    this.#daemon = await startDaemon(this.#keeper)
  }

  /** Ends daemon and guests; nothing remains. Safe to call twice. */
  stop(): Promise<void> {
    return this.#keeper.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

export interface LibvirtHostOptions {
  /** Lines of qemu.conf beside or instead of the lab's own. */
  readonly qemu?: QemuSettings
}

/** Starts a private libvirt (0.3 s; some seconds more the first time on a machine). With `t` it ends with the test. */
export const startLibvirtHost = async (t?: Teardown, options: LibvirtHostOptions = {}): Promise<LibvirtHost> => {
  const keeper = await startKeeper()
  t?.teardown(() => keeper.end())
  return startLibvirtIn(keeper, options)
}

/** The same in a namespace that is there already, with directories for libvirt and `/run/lab` in it. */
export const startLibvirtIn = async (keeper: Keeper, options: LibvirtHostOptions = {}): Promise<LibvirtHost> => {
  await writeFile(`${keeper.root}/etc/libvirt/qemu.conf`, qemuConf(options.qemu))
  await writeFile(`${keeper.root}/etc/libvirt/libvirtd.conf`, libvirtdConf())
  await warm(keeper, learnCapabilities)
  return new LibvirtHost(keeper, await startDaemon(keeper))
}

/** A daemon for nothing but to ask what this machine's QEMU can do. */
const learnCapabilities = async (into: string): Promise<void> => {
  const keeper = await startKeeper()
  try {
    await writeFile(`${keeper.root}/etc/libvirt/qemu.conf`, qemuConf())
    await writeFile(`${keeper.root}/etc/libvirt/libvirtd.conf`, libvirtdConf())
    const host = new LibvirtHost(keeper, await startDaemon(keeper))
    await keepCapabilities(keeper, host.uri, into)
  } finally {
    await keeper.end()
  }
}
