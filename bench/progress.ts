/** One line that rewrites itself in a terminal; elsewhere a plain line at every tenth of the way. */
export function progressTo(stream: NodeJS.WriteStream): (done: number, total: number, what: string) => void {
  const startMs = performance.now()
  let lastTenth = -1
  return (done, total, what) => {
    const leftMs = done === 0 ? null : ((performance.now() - startMs) / done) * (total - done)
    const line = `${String(done).padStart(4)} of ${total}  ${what}${leftMs === null ? '' : `  (${durationText(leftMs)} left)`}`
    if (stream.isTTY) {
      stream.write(`\r\x1b[K${done === total ? '' : line.slice(0, stream.columns - 1)}`)
      return
    }
    const tenth = Math.floor((done * 10) / total)
    if (tenth === lastTenth) return
    lastTenth = tenth
    stream.write(`${line}\n`)
  }
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
