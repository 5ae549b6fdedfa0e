const form = document.querySelector('#fifty-form')
const kept = document.querySelector('#fifty-kept')
const dots = document.querySelectorAll('.dots li')

form?.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  try {
    await fiftyAtOnce()
  } catch {
    kept.textContent = 'The demo does not answer. Is it still running in your terminal?'
  }
  button.disabled = false
})

async function fiftyAtOnce() {
  for (const dot of dots) dot.className = ''
  kept.textContent = 'Fifty requests are on their way.'
  await ask('/fifty', 'POST')
  const startedAt = performance.now()
  let answered = 0
  const one = async () => {
    await ask('/fifty/one', 'POST')
    dots[answered++].className = 'sent'
  }
  await Promise.all(Array.from(dots, one))
  const tookMs = Math.round(performance.now() - startedAt)
  const { kept: count } = await ask('/fifty', 'GET')
  for (const [i, dot] of dots.entries()) dot.className = i < count ? 'on' : 'lost'
  kept.textContent = `${count} of 50 kept, in ${tookMs} ms. Load the page again to see the number in your ticket.`
}

async function ask(path, method) {
  const answer = await fetch(path, { method, headers: { accept: 'application/json' } })
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}`)
  return answer.json()
}
