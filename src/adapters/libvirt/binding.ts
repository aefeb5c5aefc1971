import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ExpectedDisk, LiveDisk } from '../../model/disk.ts'
import type { DomainView } from '../../model/domain.ts'

/** What a change applies to: the running domain, or its persistent definition. */
export type Scope = 'live' | 'config'

export type NativeEventKind = 'domain' | 'disk-added' | 'disk-removed' | 'disk-removal-failed' | 'closed'

export interface NativeOptions {
  readonly uri: string
  /** Connect to this socket, however long its path is; empty: libvirt finds it from the URI. */
  readonly socketPath: string
  readonly keepAliveIntervalS: number
  readonly keepAliveCount: number
  /** Whether domain events are wanted; the loss of the connection is always told. */
  readonly events: boolean
}

/** `detail`: what happened to the domain, the alias of the device, or why the connection closed. */
export type NativeListener = (kind: NativeEventKind, domain: string, detail: string) => void

/** Calls of one connection are carried out one after the other. Every promise may be rejected with a NativeFailure. A call under way keeps the process alive. */
export interface NativeConnection {
  open(): Promise<void>
  /** Rejects every call under way with HOTPLUGD_CLOSED at once; what is stuck in libvirt ends when it can. */
  close(): void
  list(): Promise<readonly { readonly name: string; readonly uuid: string; readonly active: boolean }[]>
  /** The QEMU process is looked for by the pid files below these directories, then among these processes. */
  observe(name: string, runDirs: readonly string[], pids: readonly number[]): Promise<DomainView | null>
  /** By UUID where one is given, which libvirt need not be asked for first; '': by name. */
  disk(name: string, alias: string, uuid: string): Promise<LiveDisk | null>
  xml(name: string, scope: Scope): Promise<string>
  /** `uuid` as in `disk`. */
  attach(name: string, xml: string, expected: ExpectedDisk, scope: Scope, uuid: string): Promise<void>
  detach(name: string, expected: ExpectedDisk, scope: Scope): Promise<void>
  update(name: string, xml: string, scope: Scope): Promise<void>
  capacity(name: string, target: string): Promise<number | null>
  resize(name: string, target: string, bytes: number): Promise<void>
  /** QEMU's answer to a command of its own protocol, both JSON; an error of QEMU is an answer. */
  monitor(name: string, command: string): Promise<string>
  shutdown(name: string): Promise<void>
}

/** An error of the addon. `code`: libvirt's own symbol (VIR_ERR_…), or HOTPLUGD_… where libvirt gave none. */
export interface NativeFailure extends Error {
  readonly code: string
  /** libvirt's virErrorNumber and virErrorDomain; 0 where the error is not libvirt's. */
  readonly number: number
  readonly domain: number
  /** The connection failed, so whether the call was carried out is unknown. */
  readonly lost: boolean
}

interface Addon {
  readonly Connection: new (options: NativeOptions, listener: NativeListener) => NativeConnection
}

/** The one place that loads the addon. Throws where it was not built, or the machine has no libvirt library. */
export const addon = createRequire(import.meta.url)(
  join(packageRoot(import.meta.dirname), 'native/build/Release/hotplugd_libvirt.node'),
) as Addon

export function isNativeFailure(error: unknown): error is NativeFailure {
  return error instanceof Error && 'lost' in error && 'code' in error
}

/** The compiled files lie deeper than their sources. */
function packageRoot(directory: string): string {
  return existsSync(join(directory, 'package.json')) ? directory : packageRoot(dirname(directory))
}
