import { suggestion } from '../../config/nearest.ts'
import type { VmiListObject, VmiObject } from '../../http/objects/vmi-object.ts'
import { usageFailure } from '../failure.ts'
import { vmiPath, vmisPath } from '../paths.ts'
import { refuseMore } from '../positionals.ts'
import { printObject } from '../print-object.ts'
import type { Session } from '../session.ts'
import { printable, Table } from '../table.ts'
import { vmiColumns } from '../vmi-columns.ts'
import { volumeColumns } from '../volume-columns.ts'
import { watchObjects } from '../watch-objects.ts'

const KINDS: Readonly<Record<string, 'vmis' | 'volumes'>> = {
  vmis: 'vmis', vmi: 'vmis', vms: 'vmis', vm: 'vmis', virtualmachineinstances: 'vmis', volumes: 'volumes', volume: 'volumes',
}

/** `hotplugctl get vmis [VM]`, `hotplugctl get volumes [VM]`. */
export async function get(session: Session): Promise<void> {
  const [word, vm = null] = session.positionals
  refuseMore(session, 'get', 2)
  const kind = KINDS[word ?? '']
  if (kind === undefined) throw usageFailure(word === undefined ? 'get what? vmis or volumes' : `get: unknown kind '${word}'${suggestion(word, Object.keys(KINDS))}`, 'get')
  if (vm !== null && session.has('all-namespaces')) throw usageFailure('--all-namespaces lists all VMs: leave out the VM', 'get')
  const shape = { isWide: session.text('output') === 'wide', showNamespace: session.has('all-namespaces') }
  const columns = kind === 'vmis' ? vmiColumns(shape) : volumeColumns({ ...shape, showVm: vm === null })
  if (session.has('watch')) return watchObjects(session, columns, vm)
  const list = await fetchList(session, vm)
  if (await printObject(session, list)) return
  const rows = list.items.flatMap(columns.rows)
  if (rows.length === 0) session.warn(`no ${kind} found${session.has('all-namespaces') ? '' : ` in namespace ${session.namespace}`}`)
  else new Table(columns.head).full(rows).forEach(session.print)
  await tellTroubles(session)
}

async function fetchList(session: Session, vm: string | null): Promise<VmiListObject> {
  const namespace = session.has('all-namespaces') ? null : session.namespace
  if (vm === null) return session.client.get(vmisPath(namespace))
  const one = await session.client.get<VmiObject>(vmiPath(session.namespace, vm))
  return { kind: 'VirtualMachineInstanceList', apiVersion: 'kubevirt.io/v1', metadata: {}, items: [one] }
}

/** A list that is short because the daemon cannot see: at night that is a difference. */
async function tellTroubles(session: Session): Promise<void> {
  const { blocking, warnings } = await session.client.troubles()
  for (const trouble of blocking) session.warn(`hotplugd is not ready: ${printable(trouble)}`)
  for (const warning of warnings) session.warn(`warning: ${printable(warning)}`)
}
