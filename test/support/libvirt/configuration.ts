import { randomUUID } from 'node:crypto'

/** What a test may set in qemu.conf, beside or instead of the lab's own settings. */
export type QemuSettings = Readonly<Record<string, string | number | readonly string[]>>

const QEMU: QemuSettings = {
  user: 'root',
  group: 'root',
  dynamic_ownership: 0,
  remember_owner: 0,
  security_driver: 'none',
  stdio_handler: 'file',
  namespaces: [],
  cgroup_controllers: [],
  max_core: 0,
}

/** Two daemons on one machine must differ in `host_uuid`, or migration between them is refused. */
const daemon = (): QemuSettings => ({
  auth_unix_rw: 'none',
  unix_sock_rw_perms: '0770',
  host_uuid: randomUUID(),
  log_level: 3,
  log_outputs: '3:file:/var/log/libvirt/libvirtd.log',
})

const render = (settings: QemuSettings): string =>
  Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join('')

export const qemuConf = (settings: QemuSettings = {}): string => render({ ...QEMU, ...settings })
export const libvirtdConf = (): string => render(daemon())
