import { addon } from './binding.ts'

/** By system call why it cannot be used here (`ENOSYS`, `EPERM`), or null where it can. Changes nothing. */
export function kernelFeatures(): ReadonlyMap<string, string | null> {
  const missing = new Set(['ENOSYS', 'EPERM'])
  return new Map(Object.entries(addon.kernelFeatures()).map(([call, errno]) => [call, missing.has(errno) ? errno : null]))
}
