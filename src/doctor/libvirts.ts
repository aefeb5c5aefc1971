import { existsSync } from 'node:fs'
import { createDomains } from '../adapters/libvirt/domains.ts'
import { systemClock } from '../adapters/system-clock.ts'
import type { DomainView } from '../model/domain.ts'
import { type VmKey, vmRef } from '../model/ids.ts'
import type { Domains } from '../ports/domains.ts'
import { openFilesOf } from './open-files.ts'
import { failed, ok, warning, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Longer than anybody likes to wait, so that what is only slow is not called broken. */
const ANSWER_MS = 30_000
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

/** Does each answer, and are the QEMU processes of its guests to be seen? */
export async function lookAtLibvirts({ config }: Surroundings): Promise<readonly Finding[]> {
  const found = [...config.libvirtUris].map(([namespace, uri]) => lookAtOne(namespace, uri))
  return (await Promise.all(found)).flat()
}

async function lookAtOne(namespace: string, uri: string): Promise<readonly Finding[]> {
  const name = `libvirt ${namespace}`
  const domains = createDomains({ uris: new Map([[namespace, uri]]), log: SILENT, clock: systemClock, callDeadlineMs: ANSWER_MS })
  try {
    const why = await connect(domains, namespace)
    if (why !== null) return [failed(name, `${uri}: ${why}`, `Start libvirt (systemctl start virtqemud, or libvirtd), or correct --libvirt-uri.${socketHint(uri)}`)]
    const vms = await domains.list(namespace)
    const views = await Promise.all(vms.map(async (vm) => ({ vm, view: await domains.observe(vm) })))
    return [ok(name, `${uri} answers; ${vms.length} domains`), ...lookAtGuests(name, views)]
  } catch (thrown) {
    return [failed(name, `${uri}: ${wordsOf(thrown)}`, "See libvirt's own log, and whether virsh list answers.")]
  } finally {
    await domains.close()
  }
}

/** Null once it is connected, or why it is not. */
async function connect(domains: Domains, namespace: string): Promise<string | null> {
  // libvirt's connection keeps no process alive by itself.
  const awake = setInterval(() => undefined, ANSWER_MS)
  try {
    return await new Promise((resolve) => {
      const tooLate = `no answer within ${ANSWER_MS / 1_000} s`
      systemClock.after(ANSWER_MS, () => resolve(tooLate))
      const nothing = (): void => undefined
      domains.start({
        onConnection: (hypervisor, up, why) => hypervisor === namespace && resolve(up ? null : why),
        onDomain: nothing, onDiskAdded: nothing, onDiskRemoved: nothing, onDiskRemovalFailed: nothing, onHypervisors: nothing,
      })
    })
  } finally {
    clearInterval(awake)
  }
}

function socketHint(uri: string): string {
  const path = /[?&;]socket=([^&;]+)/i.exec(uri)?.[1]
  return path === undefined || existsSync(path) ? '' : ` There is no ${path}.`
}

interface Guest {
  readonly vm: VmKey
  readonly view: DomainView | null
}

function lookAtGuests(name: string, guests: readonly Guest[]): readonly Finding[] {
  const running = guests.flatMap(({ vm, view }) => (view !== null && (view.state === 'running' || view.state === 'paused') ? [{ vm, view }] : []))
  const hidden = running.flatMap(({ vm, view }) => hiddenBecause(view).map((why) => failed(`${name} qemu`, `${vmRef(vm).name}: ${why}`, "Run hotplugd on the libvirt host itself, as root with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: it must see the domain's QEMU process to prove what it does.")))
  const bare = running.filter(({ view }) => view.scsiControllers.length === 0).map(({ vm }) => warning(`${name} guests`, `${vmRef(vm).name} has no virtio-scsi controller, so nothing can be plugged into it`, "Add <controller type='scsi' model='virtio-scsi'/> to the domain's <devices> and restart the VM."))
  const seen = running.length - hidden.length
  return [...(seen > 0 ? [ok(`${name} qemu`, `the QEMU processes of ${seen} running guests are to be seen, with what they have open`)] : []), ...hidden, ...bare]
}

function hiddenBecause({ process }: DomainView): readonly string[] {
  if (process === null) return ['its QEMU process is not to be found']
  try {
    openFilesOf(process.pid)
    return []
  } catch (thrown) {
    return [`what its QEMU (process ${process.pid}) has open cannot be seen: ${wordsOf(thrown)}`]
  }
}
