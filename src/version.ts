import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where package.json is, wherever the compiled files lie below it. */
export const PACKAGE_DIRECTORY: string = packageDirectory(import.meta.dirname)

/** The version in package.json. */
export const VERSION: string = versionIn(join(PACKAGE_DIRECTORY, 'package.json'))

function packageDirectory(directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : packageDirectory(dirname(directory))
}

function versionIn(file: string): string {
  const { version } = createRequire(import.meta.url)(file) as { version: string }
  return version
}
