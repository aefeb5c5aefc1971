import { createServer } from 'node:net'
import { failed, ok, wordsOf, type Finding } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Is the address of probes and metrics free? A running daemon has it, so it is tried only where none runs. */
export async function lookAtListener({ config, daemon }: Surroundings): Promise<readonly Finding[]> {
  const { listen } = config
  if (listen === null) return [ok('listen', 'none: no probes and metrics over TCP')]
  const address = `${listen.host}:${listen.port}`
  if (daemon !== null) return [ok('listen', `${address} belongs to the daemon that runs`)]
  try {
    await listenOnce(listen)
    return [ok('listen', `${address} is free`)]
  } catch (thrown) {
    return [failed('listen', `${address} cannot be listened on: ${wordsOf(thrown)}`, 'Stop what has it, or choose another --listen, or none.')]
  }
}

function listenOnce(address: { readonly host: string; readonly port: number }): Promise<void> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(address, () => server.close(() => resolve()))
  })
}
