import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { until } from '../../support/lab.ts'
import type { ApiServer, Vmi, VolumeStatusEntry } from '../../support/kubernetes/lab.ts'
import { monotonicMs } from '../clocks.ts'
import type { Scope } from '../scope.ts'

interface Word {
  readonly type: string
  readonly object: Vmi
}

interface Wait {
  readonly vm: string
  readonly judge: (vmi: Vmi) => boolean
  readonly tell: (atMs: number) => void
}

const PATH = '/apis/kubevirt.io/v1/virtualmachineinstances?watch=true&resourceVersion=0&timeoutSeconds=14400'

/** Another watch of the same objects beside the agent's: when something was to be seen in the cluster. */
export class Witness {
  readonly #waits = new Set<Wait>()

  /**
   * Of a server that has at least one VMI: the first word is about it. Version 0 is whatever the server has in memory: for the
   * newest of all it waits for news from its store, and gives up if there is none.
   */
  static async start(server: ApiServer, scope: Scope): Promise<Witness> {
    const witness = new Witness()
    const ca = await readFile(server.caFile)
    await until('a second watch', () => witness.#watch(server, ca, scope))
    return witness
  }

  /** Resolves to true with the first word. */
  async #watch(server: ApiServer, ca: Buffer, scope: Scope): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const asked = request(server.url + PATH, { ca, agent: false, headers: { authorization: `Bearer ${server.credentials.adminToken}` } })
    scope.teardown(() => asked.destroy())
    asked.on('error', reject)
    asked.on('response', (response) => {
      response.on('error', reject)
      createInterface(response).on('error', reject).on('line', (line) => {
        const atMs = monotonicMs()
        const word = JSON.parse(line) as Word
        if (word.type === 'ERROR') return reject(new Error(line))
        this.#hear(word, atMs)
        resolve(true)
      })
    })
    asked.end()
    return promise
  }

  /** When the VMI is seen to be so, by CLOCK_MONOTONIC; what came before the call is not known. */
  sees(vm: string, judge: (vmi: Vmi) => boolean): Promise<number> {
    return new Promise((tell) => this.#waits.add({ vm, judge, tell }))
  }

  /** The same for an entry of its status. */
  seesEntry(vm: string, volume: string, judge: (entry: VolumeStatusEntry | undefined) => boolean): Promise<number> {
    return this.sees(vm, (vmi) => judge(vmi.status?.volumeStatus.find(({ name }) => name === volume)))
  }

  #hear({ object }: Word, atMs: number): void {
    for (const wait of this.#waits) if (wait.vm === object.metadata.name && wait.judge(object)) this.#settle(wait, atMs)
  }

  #settle(wait: Wait, atMs: number): void {
    this.#waits.delete(wait)
    wait.tell(atMs)
  }
}
