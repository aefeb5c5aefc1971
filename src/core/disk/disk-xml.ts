import type { DiskPlan } from '../../model/disk.ts'

/**
 * The `<disk>` element of a hot-plugged volume. Every value is escaped, so no name, path or serial can add an element.
 * Discard is passed on, as for KubeVirt's own disks; `<backingStore/>` ends the chain, so that nothing in the image's
 * bytes can make libvirt or QEMU open another file.
 */
export function diskXml(plan: DiskPlan): string {
  const { controller, bus, target, unit } = plan.address
  return [
    `<disk type='${plan.sourceKind}' device='disk'>`,
    `<driver${attributes(driver(plan))}/>`,
    `<source${attributes({ [plan.sourceKind === 'block' ? 'dev' : 'file']: plan.path })}/>`,
    '<backingStore/>',
    `<target${attributes({ dev: plan.target, bus: 'scsi' })}/>`,
    plan.disk.readonly ? '<readonly/>' : '',
    plan.disk.shareable ? '<shareable/>' : '',
    `<serial>${escapeXml(plan.disk.serial)}</serial>`,
    `<alias${attributes({ name: plan.alias })}/>`,
    `<address type='drive' controller='${controller}' bus='${bus}' target='${target}' unit='${unit}'/>`,
    '</disk>',
  ].join('')
}

function driver(plan: DiskPlan): Record<string, string | undefined> {
  return {
    name: 'qemu',
    type: plan.format,
    cache: plan.disk.cache ?? (plan.disk.io === 'native' ? 'none' : undefined), // native I/O works with no other
    error_policy: plan.disk.errorPolicy,
    io: plan.disk.io,
    discard: 'unmap',
  }
}

function attributes(values: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}='${escapeXml(value ?? '')}'`)
    .join('')
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&apos;', '"': '&quot;' }

function escapeXml(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => ESCAPES[character] ?? '')
}
