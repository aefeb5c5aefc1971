import { HotplugError } from '../../../errors.ts'
import type { LookedUp, LookedUpBlock, LookedUpFile } from '../binding.ts'

type Refused = Exclude<LookedUp, LookedUpBlock | LookedUpFile>

/** Whether there is a device or file at all; everything else has its reason in `refusalOf`. */
export function isImage(found: LookedUp): found is LookedUpBlock | LookedUpFile {
  return found.kind === 'block' || found.kind === 'file'
}

/** Why a path that leads to no device or file cannot be a source: SourceMissing, ImageMissing, UnsafePath, SourceNotSupported. */
export function refusalOf(asked: string, found: Refused): HotplugError {
  const detail = { path: asked, found: found.path }
  switch (found.kind) {
    case 'missing':
      return new HotplugError('SourceMissing', `${asked} does not exist${describeMissing(asked, found)}`, { detail: { ...detail, component: found.component } })
    case 'noDevice':
      return new HotplugError('SourceMissing', `${asked} is a device node, but the kernel has no block device ${found.what}`, { detail })
    case 'noImage':
      return new HotplugError('ImageMissing', `the directory ${asked} holds no ${found.what}`, { detail })
    case 'unsafe':
      return new HotplugError('UnsafePath', `${found.path} is ${describeUnsafe(found)}, not a regular file of that directory`, { detail: { ...detail, what: found.what } })
    case 'unsupported':
    default:
      return new HotplugError('SourceNotSupported', `${asked} is a ${found.what}`, { detail: { ...detail, what: found.what } })
  }
}

/** What of the path is missing, where that is not the whole of it. */
function describeMissing(asked: string, { component, target, isNotDirectory }: Extract<Refused, { kind: 'missing' }>): string {
  if (isNotDirectory) return `: ${component} is not a directory`
  if (target !== '') return `: ${component} is a link to ${target}, which is not there`
  return component === asked ? '' : `: there is no ${component}`
}

function describeUnsafe({ what, target }: { readonly what: string; readonly target: string }): string {
  return target === '' ? `a ${what}` : `a ${what} to ${target}`
}
