import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The version in package.json, wherever the compiled files lie below it. */
export const VERSION: string = versionIn(packageFile(import.meta.dirname))

function packageFile(directory: string): string {
  const file = join(directory, 'package.json')
  return existsSync(file) ? file : packageFile(dirname(directory))
}

function versionIn(file: string): string {
  const { version } = createRequire(import.meta.url)(file) as { version: string }
  return version
}
