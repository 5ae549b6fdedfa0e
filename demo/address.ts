/** The stores that an address is made of: `tiered:` and `mirrored:` join two by a `+` in front of a scheme. */
export function storesIn(address: string): readonly string[] {
  return address.replace(/^(tiered|mirrored):/, '').split(/\+(?=(?!srv:)[a-z+-]+:)/)
}

/** An address as it may be printed. Up to the last @: a password may have one that should have been percent-encoded. */
export function withoutLogin(address: string): string {
  const scheme = /^(tiered|mirrored):/.exec(address)?.[0] ?? ''
  return (
    scheme +
    storesIn(address)
      .map((one) => one.replace(/\/\/.*@/s, '//'))
      .join('+')
  )
}

/** Whether what hangs there is there after a restart of this process. */
export function outlivesProcess(address: string): boolean {
  return storesIn(address).at(-1) !== 'memory:'
}
