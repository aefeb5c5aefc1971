import type { BootFiles } from './initramfs.ts'

/** A disk that the domain has from the start, on its lowest scsi controller. */
export interface DomainDisk {
  readonly path: string
  readonly type: 'block' | 'file'
  readonly target: string
  readonly unit: number
  readonly serial?: string
  readonly format?: 'raw' | 'qcow2'
  readonly shareable?: boolean
  readonly readonly?: boolean
}

/** What makes one guest's hardware differ from another's. */
export interface DomainShape {
  /** @default 'pc' */
  readonly machine?: 'pc' | 'q35'
  /** 128 carries some ten disks, 512 carries 256. @default 128 */
  readonly memoryMiB?: number
  /** Indexes of the virtio-scsi controllers. @default [0] */
  readonly scsiControllers?: readonly number[]
  /** @default [] */
  readonly disks?: readonly DomainDisk[]
}

export interface DomainIdentity {
  readonly name: string
  readonly uuid: string
}

/** Where the guest's agent is reached, inside the host's namespace. */
export const channelPath = (name: string): string => `/run/lab/${name}.sock`

export const escapeXml = (text: string): string => text.replace(/[&<>'"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** The XML of a TCG guest that boots the lab's kernel, with a channel to its agent and without a network. */
export const domainXml = (identity: DomainIdentity, boot: BootFiles, shape: DomainShape = {}): string => `<domain type='qemu'>
  <name>${escapeXml(identity.name)}</name>
  <uuid>${identity.uuid}</uuid>
  <memory unit='MiB'>${shape.memoryMiB ?? 128}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='${shape.machine ?? 'pc'}'>hvm</type>
    <kernel>${boot.kernel}</kernel>
    <initrd>${boot.initramfs}</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check 8250.nr_uarts=1</cmdline>
  </os>
  <features><acpi/></features>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
${(shape.scsiControllers ?? [0]).map(controllerXml).join('')}${(shape.disks ?? []).map((disk) => diskXml(disk, shape)).join('')}    <controller type='usb' model='none'/>
    <controller type='virtio-serial' index='0'/>
    <serial type='file'><source path='/var/log/libvirt/${escapeXml(identity.name)}-console.log'/><target port='0'/></serial>
    <channel type='unix'>
      <source mode='bind' path='${channelPath(escapeXml(identity.name))}'/>
      <target type='virtio' name='lab'/>
      <address type='virtio-serial' controller='0' bus='0' port='1'/>
    </channel>
    <memballoon model='none'/>
  </devices>
</domain>
`

const controllerXml = (index: number): string => `    <controller type='scsi' index='${index}' model='virtio-scsi'/>\n`

/** The XML of one disk, as for `virsh attach-device`. */
export const diskXml = (disk: DomainDisk, shape: DomainShape = {}): string => `    <disk type='${disk.type}' device='disk'>
      <driver name='qemu' type='${disk.format ?? 'raw'}' cache='none'/>
      <source ${disk.type === 'block' ? 'dev' : 'file'}='${escapeXml(disk.path)}'/>
      <target dev='${disk.target}' bus='scsi'/>
      ${disk.serial === undefined ? '' : `<serial>${escapeXml(disk.serial)}</serial>`}${disk.shareable ? '<shareable/>' : ''}${disk.readonly ? '<readonly/>' : ''}
      <address type='drive' controller='${Math.min(...(shape.scsiControllers ?? [0]))}' bus='0' target='0' unit='${disk.unit}'/>
    </disk>
`
