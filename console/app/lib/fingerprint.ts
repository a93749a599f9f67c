/**
 * Tells a few texts apart, and says too little of one to find it: 52 bits of two multiplicative hashes
 * (`crypto.subtle` is missing on pages without TLS, where servers of one's own often are).
 */
export function fingerprint(text: string): string {
  let [a, b] = [0x811c9dc5, 0x9e3779b9]
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ (code + index), 0x85ebca6b)
    b ^= b >>> 13
  }
  a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d)
  b = Math.imul(b ^ (b >>> 16), 0xc2b2ae35)
  return ((a >>> 6) * 2 ** 26 + (b >>> 6)).toString(36)
}
