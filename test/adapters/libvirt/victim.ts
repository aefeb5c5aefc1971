/**
 * Run as a process or a worker by the tests of the addon: opens a connection, begins a call on a domain whose QEMU is
 * stopped, says `ready`, and then ends in the way that the third argument names.
 */
import { isMainThread, parentPort } from 'node:worker_threads'
import { setTimeout as sleep } from 'node:timers/promises'
import { addon } from '../../../src/adapters/libvirt/binding.ts'

const [, , uri = '', domain = '', end = ''] = process.argv
const options = { uri, socketPath: '', keepAliveIntervalS: 5, keepAliveCount: 3, events: true }
const connection = new addon.Connection(options, () => {})

await connection.open()
await connection.list()
const outcome = connection.capacity(domain, 'sda').then(String, (error: { code?: string }) => error.code)
await sleep(200) // time to get as far as QEMU

const say = (text: string) => (isMainThread ? process.stdout.write(`${text}\n`) : parentPort?.postMessage(text))
say('ready')
if (end === 'exit') process.exit(7)
if (end === 'throw') throw new Error('uncaught')
if (end === 'close') connection.close()
say(`call: ${await outcome}`)
