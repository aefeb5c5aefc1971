/** A file to be packed; its path has at most 100 bytes of ASCII. */
export interface PackedFile {
  readonly path: string
  readonly text: string
}

const BLOCK = 512

/**
 * A tar archive (POSIX ustar) of small regular files, which only their owner may read. Written here since it is a page of
 * code: a package would be one more to trust, and not every machine or image has the program.
 */
export function tar(files: readonly PackedFile[], modifiedAt: Date): Buffer {
  return Buffer.concat([...files.flatMap((file) => entry(file, modifiedAt)), Buffer.alloc(2 * BLOCK)])
}

function entry({ path, text }: PackedFile, modifiedAt: Date): readonly Buffer[] {
  const body = Buffer.from(text)
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)
  return [header(path, body.length, modifiedAt), body, padding]
}

function header(path: string, size: number, modifiedAt: Date): Buffer {
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is too long a name for a tar archive`)
  const block = Buffer.alloc(BLOCK)
  const fields: readonly (readonly [number, string])[] = [
    [0, path], [100, octal(0o600, 8)], [108, octal(0, 8)], [116, octal(0, 8)], [124, octal(size, 12)], [136, octal(Math.floor(modifiedAt.getTime() / 1_000), 12)],
    [148, ' '.repeat(8)], [156, '0'], [257, 'ustar\0'], [263, '00'], [265, 'root'], [297, 'root'],
  ]
  for (const [offset, text] of fields) block.write(text, offset, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A number as tar has it: digits that end in a zero byte. */
function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}
