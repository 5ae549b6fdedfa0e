/** libsodium, as @fastify/secure-session itself uses it. */
import { createRequire } from 'node:module'

interface Sodium {
  crypto_secretbox_easy(box: Buffer, message: Buffer, nonce: Buffer, key: Buffer): void
  crypto_onetimeauth(tag: Buffer, message: Buffer, key: Buffer): void
}

export const sodium = createRequire(createRequire(import.meta.url).resolve('@fastify/secure-session'))('sodium-native') as Sodium

/** The tag and the ciphertext. */
export function boxed(message: Buffer, nonce: Buffer, key: Buffer): Buffer {
  const box = Buffer.alloc(message.length + 16)
  sodium.crypto_secretbox_easy(box, message, nonce, key)
  return box
}
