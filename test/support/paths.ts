import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The project's folder, seen from out/test/support. */
export const PROJECT = resolve(import.meta.dirname, '../../..')

/** A file of test/support that is not compiled: scripts and C sources. */
export const supportFile = (name: string): string => join(PROJECT, 'test/support', name)

/** Where the lab keeps what is slow to make; outside the work tree, so that a fresh clone finds it too. */
export const labCache = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hotplugd-lab')

/** Where a private libvirt and its guests see the lab's cache: a QEMU that is not root could not reach it in root's home. */
export const CACHE_INSIDE = '/run/lab/cache'
