/**
 * Compressed bodies. kombu names the format in the header `compression`; its "gzip" is a zlib stream, real gzip is read too. bzip2 and
 * xz have no decoder in Node, zstd only in newer versions.
 */
import * as zlib from 'node:zlib'

export type Compression = 'zlib' | 'gzip' | 'brotli'

const GZIP_TYPE = 'application/x-gzip'
const BROTLI_TYPE = 'application/x-brotli'

/** zlib's default for brotli is the slowest level, 40 times the cost of this one for a few percent. */
const BROTLI_QUALITY = 5

export type Decompressed =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly reason: 'unknown' | 'too-large' | 'damaged' }

/**
 * @param type the header's value, or kombu's alias for it
 * @param maxBytes the output is cut off as soon as it is larger, so that a small body cannot fill the memory
 */
export function decompress(type: string, bytes: Buffer, maxBytes: number): Decompressed {
  const inflate = decompressor(type)
  if (inflate === null) return { ok: false, reason: 'unknown' }
  try {
    return { ok: true, bytes: inflate(bytes, { maxOutputLength: maxBytes }) }
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    return { ok: false, reason: isTooLarge ? 'too-large' : 'damaged' }
  }
}

/** The compressed bytes, and the value of the header `compression` for them. */
export function compress(compression: Compression, bytes: Buffer): { readonly type: string; readonly bytes: Buffer } {
  if (compression !== 'brotli') return { type: GZIP_TYPE, bytes: zlib.deflateSync(bytes) }
  const options = {
    params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }
  return { type: BROTLI_TYPE, bytes: zlib.brotliCompressSync(bytes, options) }
}

type Inflate = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer

function decompressor(type: string): Inflate | null {
  switch (type) {
    case GZIP_TYPE:
    case 'gzip':
    case 'zlib':
      return zlib.unzipSync // tells gzip and zlib apart by their first bytes
    case BROTLI_TYPE:
    case 'brotli':
      return zlib.brotliDecompressSync
    case 'application/zstd':
    case 'zstd':
      return (zlib as { zstdDecompressSync?: Inflate }).zstdDecompressSync ?? null // Node 22.15 and later
    default:
      return null
  }
}
