import type { Origin } from '../../model/desired.ts'

/** Who wants a volume, in words. */
export function askerOf(origin: Origin): string {
  switch (origin.kind) {
    case 'manifest':
      return `manifest ${origin.file}`
    case 'request':
      return 'a request'
    case 'vmi':
      return 'the VirtualMachineInstance'
  }
}
