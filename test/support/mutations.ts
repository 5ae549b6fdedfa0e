/** Random changes to a text of bytes, whatever format it has. */
import type { Dice } from './random.ts'

const lengthMax = 8_192

type Mutation = (dice: Dice, text: string, other: string, pieces: readonly string[]) => string

const mutations: readonly Mutation[] = [
  (dice, text) => at(dice, text, (place) => replaced(text, place, 1, String.fromCharCode(text.charCodeAt(place) ^ (1 << dice.below(8))))),
  (dice, text) => at(dice, text, (place) => replaced(text, place, 1, String.fromCharCode(dice.below(256)))),
  (dice, text) => at(dice, text, (place) => replaced(text, place, 0, String.fromCharCode(dice.below(256)))),
  (dice, text) => at(dice, text, (place) => replaced(text, place, 1 + dice.below(8), '')),
  (dice, text) => text.slice(0, dice.below(text.length + 1)),
  (dice, text) => at(dice, text, (place) => text + text.slice(place)),
  (dice, text) =>
    at(dice, text, (place) => replaced(text, place, 0, text.slice(place, place + 1 + dice.below(16)).repeat(1 + dice.below(40)))),
  (dice, text, other) => text.slice(0, dice.below(text.length + 1)) + other.slice(dice.below(other.length + 1)),
  (dice, text, other) => at(dice, text, (place) => replaced(text, place, 0, other.slice(dice.below(other.length + 1)).slice(0, 20))),
  (dice, text, _other, pieces) => at(dice, text, (place) => replaced(text, place, 0, dice.pick(pieces))),
  (dice, text, _other, pieces) => at(dice, text, (place) => replaced(text, place, 0, dice.pick(pieces).repeat(1 + dice.below(60)))),
  (dice, text, _other, pieces) => at(dice, text, (place) => replaced(text, place, 1, dice.pick(pieces))),
  (dice) => String.fromCharCode(...dice.bytes(dice.below(64))),
  (dice, _text, _other, pieces) => Array.from({ length: dice.below(40) }, () => dice.pick(pieces)).join(''),
]

/** One to four of them, to one of the genuine texts. */
export function mutatedBytes(dice: Dice, genuine: readonly string[], pieces: readonly string[] = ['\0']): string {
  let text = dice.pick(genuine)
  for (let changes = 1 + dice.below(4); changes > 0; changes--) {
    text = dice.pick(mutations)(dice, text, dice.pick(genuine), pieces).slice(0, lengthMax)
  }
  return text
}

function at(dice: Dice, text: string, change: (place: number) => string): string {
  return change(dice.below(Math.max(1, text.length)))
}

function replaced(text: string, place: number, size: number, what: string): string {
  return text.slice(0, place) + what + text.slice(place + size)
}
