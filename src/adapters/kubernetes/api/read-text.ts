import type { Readable } from 'node:stream'

/** No single answer is larger: pages hold a hundred objects, and etcd takes none over 1.5 MB. */
const MOST_BYTES = 160 * 1_048_576

/** A whole body as text. @throws Error if it breaks off or is larger than any answer is */
export async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new Error(`the answer is larger than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
