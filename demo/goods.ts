const packing =
  'Two evening suits, one in need of a button; opera glasses; eleven letters tied with ribbon; a travelling clock that runs fast. '

/** What can be put into the cart, by the value of the button. A trunk carries its packing list, so that a few of them outgrow a cookie. */
export const goods: Readonly<Record<string, { readonly name: string; readonly bytes: number; readonly notes: string }>> = {
  scarf: good('a scarf', ''),
  coat: good('an overcoat', packing.slice(0, 43)),
  trunk: good('a trunk', packing.repeat(7)),
}

function good(name: string, notes: string): { name: string; bytes: number; notes: string } {
  return { name, notes, bytes: JSON.stringify({ name, notes }).length }
}
