import { HotplugError } from '../../../errors.ts'
import { exposedPath, type LauncherHandle } from './launcher-handle.ts'
import type { Refused } from './pod-binding.ts'

const LEFT_ALONE = 'Find out who put it there; nothing that the agent did not make is taken away.'

/** No container of the launcher runs. */
export function launcherGone({ launcher, volume }: LauncherHandle): HotplugError {
  return new HotplugError('LauncherNotFound', `no container of launcher pod ${launcher} runs here to expose volume ${volume} in`, { detail: { pod: launcher } })
}

/** What an act found in place of what it was to make or to take back. */
export function refusalIn(handle: LauncherHandle, { kind, path, what, target }: Refused): HotplugError {
  const entry = exposedPath(handle)
  const detail = { path: entry, pod: handle.launcher, what }
  switch (kind) {
    case 'gone':
      return new HotplugError('LauncherNotFound', `the directory of launcher pod ${handle.launcher} for hot-plugged volumes is gone`, { detail })
    case 'changed':
    case 'missing':
    case 'empty':
    case 'noDevice':
      return new HotplugError('SourceChanged', `what was looked up for ${entry} is another file or device by now (${path}: ${what})`, { detail })
    case 'other':
      return new HotplugError('ExposureFailed', `${entry} is taken by something else: ${what}`, { remedy: LEFT_ALONE, detail })
    case 'unsafe':
    default:
      return new HotplugError('UnsafePath', `${path} in launcher pod ${handle.launcher} is a ${what}${target === '' ? '' : ` to ${target}`}`, { remedy: LEFT_ALONE, detail })
  }
}
