import { SeenVms } from '../seen-vms.ts'
import { Answers } from './answers.ts'
import { Unseen } from './api.ts'
import { byId } from './element.ts'
import { Link } from './link.ts'
import { Screen } from './screen.ts'
import { Surroundings, tellAges } from './surroundings.ts'

/** How often hotplugd is asked whether it is in order, and the page learns that nothing answers. Only while somebody looks. */
const BEAT_MS = 10_000
const AGAIN_MS = 1_000
const TICK_MS = 1_000

const vms = new SeenVms()
const answers = new Answers(draw)
const link = new Link(vms, news)
const screen = new Screen(answers, draw)
const surroundings = new Surroundings()
const filter = byId('filter')
let isAsked = false

/** Once a frame at most, however much changes. */
function draw(): void {
  if (isAsked) return
  isAsked = true
  requestAnimationFrame(drawNow)
}

function drawNow(): void {
  isAsked = false
  const view = screen.draw(vms.all, filter instanceof HTMLInputElement ? filter.value : '', vms.isWhole)
  surroundings.draw(view, link.state, answers)
  tellAges(answers.nowMs())
}

function news(): void {
  if (link.state.kind === 'live') answers.changed()
  draw()
}

/** One answer that is missed proves nothing; two do. */
async function beat(isSecond = false): Promise<void> {
  if (document.visibilityState === 'hidden') return
  try {
    await answers.beat()
    if (answers.about.version === '') await answers.askAbout()
  } catch (error) {
    if (isSecond) link.lose(error instanceof Unseen ? error : new Unseen(String(error)))
    else setTimeout(() => void beat(true), AGAIN_MS)
  }
}

filter.addEventListener('input', draw)
document.addEventListener('visibilitychange', () => void beat())
setInterval(() => void beat(), BEAT_MS)
setInterval(draw, TICK_MS)
void beat()
void link.run()
