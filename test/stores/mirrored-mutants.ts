/** Each clause of the protocol, broken: what the schedules of test/gate/mirrors.ts must catch. */
import type { Mutant } from '../support/mutated.ts'

const [moves, rows, place, copies] = ['moves', 'rows', 'place', 'copies'].map((name) => `stores/mirrored/${name}.ts`) as [
  string,
  string,
  string,
  string,
]

const of = (file: string, from: string, to: string, seed = 1): Mutant => ({ seed, breaks: [{ file, from, to }] })

export const mutants: Readonly<Record<string, Mutant>> = {
  'copies are answers': of(place, 'body: `${mark}["copy"]\\n${body}`, user: null', 'body, user: null'),
  'copies take any place': of(copies, "place === null ? onlyOver : place.kind !== 'copy'", 'place === null && onlyOver'),
  'a move asks nobody in the old store': of(
    moves,
    'await side.store.put(movingOf(row, claim, was), expected)',
    'await side.store.put(movingOf(row, claim, was), (await look(side, row.id))?.version ?? null)',
  ),
  'a move asks nobody in the new store': of(
    moves,
    'await other.store.put(row, claim)',
    'await other.store.put(row, (await look(other, row.id))?.version ?? null)',
  ),
  'a move writes to the new store first': of(
    moves,
    'const version = await side.store.put(movingOf(row, claim, was), expected)',
    'await this.other(side).store.put(row, claim)\nconst version = await side.store.put(movingOf(row, claim, was), expected)',
  ),
  'a claim that was copied over is given up': of(moves, "if (there?.kind === 'copy') {", 'if (there === undefined) {'),
  'a move that is met is not brought to its end': of(moves, 'await this.finish(side, place)\n        continue', 'return null'),
  'a version leads to whatever is there now': of(
    moves,
    ' && place.row.body === body && place.row.user === user ? place.version',
    ' && body !== user ? place.version',
  ),
  'a version leads nowhere': of(rows, '?? this.#writeOn(side, row, version)', '?? null'),
  'what an update replaced leads to it': of(rows, 'this.move(from, expected, row, null)', 'this.move(from, expected, row, expected)'),
  'what a touch moved leads nowhere': of(rows, 'this.move(side, version, longer, version)', 'this.move(side, version, longer, null)'),
  'new sessions begin in the new store, whoever else makes them': of(
    rows,
    'nameOf(to, await this.#moves.move(from, null, row, null))',
    'nameOf(to, await to.store.put(row, null))',
  ),
  'two looks are enough': of(moves, ' && (version === null || passed.get(side) === version)', ''),
  'a delete asks nobody': of(rows, 'if ((await side.store.put(endedOf(row), version)) === null) continue', 'void [endedOf(row), version]'),
  'a delete that lost has won': of(
    rows,
    'if ((await side.store.put(endedOf(row), version)) === null) continue',
    'await side.store.put(endedOf(row), version)',
  ),
}

/** Those that only show where a delete was cut off (mirrored-ends.ts). */
export const endings: Readonly<Record<string, Mutant>> = {
  'a claim goes over what has ended': of(
    moves,
    "place.kind !== 'copy' && place.kind !== 'moved'",
    "place.kind !== 'copy' && place.kind !== 'moved' && place.kind !== 'ended'",
  ),
  'a move goes on over what has ended': of(
    moves,
    "if (there?.kind === 'copy') {",
    "if (there?.kind === 'copy' || there?.kind === 'ended') {",
  ),
  'an end is nothing': of(place, "return kind === 'ended' ? { kind, version } : {", 'return {'),
  'an end is forgotten before the other store has': of(
    rows,
    'await this.#moves.other(ended).store.delete(id)\n    await ended.store.delete(id)',
    'await ended.store.delete(id)\n    await this.#moves.other(ended).store.delete(id)',
  ),
}
