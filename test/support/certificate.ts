import { generateKeyPairSync, hash, sign } from 'node:crypto'

export interface Certificate {
  /** PEM. */
  readonly key: string
  readonly cert: string
  /** What Chromium's `--ignore-certificate-errors-spki-list` takes: it then trusts this certificate for any name. */
  readonly spkiHash: string
}

/** A key and a certificate that it signed itself, good from and until so many days from now. */
export function selfMadeCertificate({ commonName = 'coatcheck tests', days = [-1, 1] } = {}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // RFC 5280 4.1, in DER. The algorithm is ecdsa-with-SHA256, the one attribute of the name is commonName.
  const algorithm = sequence(Buffer.from('06082a8648ce3d040302', 'hex'))
  const name = sequence(tagged(0x31, sequence(Buffer.from('0603550403', 'hex'), tagged(0x0c, Buffer.from(commonName)))))
  const [from, until] = days.map((day) => new Date(Date.now() + day * 86_400_000).toISOString())
  const validity = sequence(...[from, until].map((iso = '') => tagged(0x17, Buffer.from(`${iso.slice(2, 19).replaceAll(/[-T:]/g, '')}Z`))))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = sequence(Buffer.from('a003020102020101', 'hex'), algorithm, name, validity, name, spki)
  const signature = tagged(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]))
  const base64 = sequence(body, algorithm, signature).toString('base64')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    spkiHash: hash('sha256', spki, 'base64'),
  }
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts))

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
