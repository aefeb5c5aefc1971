import { HotplugError } from '../../../errors.ts'

const MAGIC = 0x51_46_49_fb
const V2_BYTES = 72
const V3_BYTES = 104
const EXTERNAL_DATA_FILE = 1n << 2n

/**
 * Whether an image that its user called qcow2 may be plugged: it must be one, whole in itself, and readable without a
 * key. Only for that word of the user; what the bytes of a raw image look like is nobody's business.
 *
 * @param head at least the first 104 bytes, fewer only if the image is shorter.
 * @returns the refusal (`ImageFormatMismatch`, `ImageReferencesFile`), or null.
 */
export function checkQcow2(path: string, head: Buffer): HotplugError | null {
  if (head.length < V2_BYTES || head.readUInt32BE(0) !== MAGIC) return mismatch(path, 'it does not begin as a qcow2 image does')
  const version = head.readUInt32BE(4)
  if (version !== 2 && version !== 3) return mismatch(path, `its qcow2 version is ${version}, 2 and 3 are known`)
  if (version === 3 && head.length < V3_BYTES) return mismatch(path, 'its qcow2 header is cut off')
  if (head.readUInt32BE(32) !== 0) return mismatch(path, 'it is encrypted, and nobody would have the key')
  return checkReferences(path, head, version)
}

/** Bytes that the guest sees, from the header of an image that `checkQcow2` found good. The file's length says nothing of it. */
export function qcow2SizeBytes(head: Buffer): number {
  return Number(head.readBigUInt64BE(24))
}

function checkReferences(path: string, head: Buffer, version: number): HotplugError | null {
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0) return references(path, 'has a backing file')
  const features = version === 3 ? head.readBigUInt64BE(72) : 0n
  if ((features & EXTERNAL_DATA_FILE) !== 0n) return references(path, 'keeps its data in another file')
  return null
}

function mismatch(path: string, why: string): HotplugError {
  return new HotplugError('ImageFormatMismatch', `${path} cannot be read as qcow2: ${why}`, { detail: { path, format: 'qcow2' } })
}

function references(path: string, why: string): HotplugError {
  return new HotplugError('ImageReferencesFile', `the qcow2 image ${path} ${why}`, { detail: { path, format: 'qcow2' } })
}
