import type { ImageFormat } from './source.ts'

/** How QEMU uses the host's page cache: past it, with writes through it to the disk, or with writes left in it until the guest flushes. */
export type CacheMode = 'none' | 'writethrough' | 'writeback'
/** How QEMU reads and writes: by the kernel's asynchronous I/O, which needs cache `none`, or by threads of its own. */
export type IoMode = 'native' | 'threads'

/** How the guest is to see a volume: `spec.domain.devices.disks[]`. */
export interface DiskSpec {
  /** Case is kept; at most 36 bytes. */
  readonly serial: string
  readonly readonly: boolean
  readonly shareable: boolean
  readonly cache?: CacheMode
  readonly io?: IoMode
  readonly errorPolicy?: 'stop' | 'report' | 'ignore' | 'enospace'
}

/** A `<address type='drive'>`: the place of a disk on a SCSI controller. */
export interface DriveAddress {
  readonly controller: number
  readonly bus: number
  readonly target: number
  readonly unit: number
}

/** One `<disk>` of a domain's XML as libvirt lists it. Absent elements are null, not empty. */
export interface LiveDisk {
  /** `<target dev>`, unique in a domain: `sda`. */
  readonly target: string
  readonly bus: string
  /** `disk`, `cdrom`, `lun`, `floppy`. */
  readonly device: string
  /** `block`, `file`, `network`, … */
  readonly sourceType: string
  /** `<source dev>` or `<source file>`. */
  readonly source: string | null
  /** `<driver type>`. */
  readonly format: string | null
  readonly serial: string | null
  readonly alias: string | null
  readonly address: DriveAddress | null
  readonly readonly: boolean
  readonly shareable: boolean
  /** Paths of the `<backingStore>` chain, the nearest first. */
  readonly backing: readonly string[]
}

/** Everything needed to write the XML of one hot-plugged disk. */
export interface DiskPlan {
  readonly volume: string
  readonly alias: string
  readonly target: string
  readonly address: DriveAddress
  readonly sourceKind: 'block' | 'file'
  readonly path: string
  readonly format: ImageFormat
  readonly disk: DiskSpec
  /** Only for the domain that has it. @default whichever has the VM's name */
  readonly domainUuid?: string
}

/** The alias of a volume's disk; libvirt keeps only aliases that begin with `ua-`. */
export function aliasOf(volume: string): string {
  return `ua-${volume}`
}

/** A disk that is to be taken out: every part must match what libvirt lists, or nothing is touched. */
export interface ExpectedDisk {
  readonly alias: string
  readonly target: string
  readonly serial: string
  readonly path: string
  readonly address: DriveAddress
}
