import type { VmiObject } from '../../http/objects/vmi-object.ts'
import { newestOf } from '../told.ts'
import { viewOf, type View, type VmView, type VolumeView } from '../view.ts'
import type { Answers } from './answers.ts'
import type { Fold } from './draw-details.ts'
import { drawEntry } from './draw-history.ts'
import { drawVm } from './draw-vm.ts'
import { drawVolume, type VolumeParts } from './draw-volume.ts'
import { byId, setText } from './element.ts'
import { KeyedList, type Piece } from './keyed-list.ts'

/** So many are drawn of a list that could be endless. */
const MOST = 20
/** So many VMs are shown open, unless somebody closed them. */
const FEW_VMS = 12

type Place = VolumeParts['place']

/** Draws the VMs, what is stuck, what moves, and the history; and remembers what was opened. */
export class Screen {
  readonly #answers: Answers
  readonly #redraw: () => void
  readonly #lists = { stuck: listOf('stuck'), moving: listOf('moving'), vms: listOf('vms'), history: listOf('history') }
  /** What somebody opened: volumes and their evidence, by place and key. */
  readonly #open = new Set<string>()
  /** VMs that somebody opened or closed. */
  readonly #toggled = new Map<string, boolean>()

  constructor(answers: Answers, redraw: () => void) {
    this.#answers = answers
    this.#redraw = redraw
  }

  draw(vmis: readonly VmiObject[], filter: string, isWhole: boolean): View {
    const view = viewOf(vmis, filter, this.#answers.nowMs())
    const vms = view.vms.map(vm => ({ vm, isOpen: this.#toggled.get(vm.key) ?? view.vms.length <= FEW_VMS }))
    this.#answers.explain(this.#explained(view, vms.filter(({ isOpen }) => isOpen).flatMap(({ vm }) => vm.volumes)))
    this.#section('stuck', view.stuck)
    this.#section('moving', view.moving)
    this.#lists.vms.show(vms.map(({ vm, isOpen }) => this.#vmPiece(vm, isOpen)))
    const nothing = byId('nothing')
    nothing.hidden = !isWhole || view.vms.length > 0
    setText(nothing, view.hidden > 0 ? 'Nothing fits.' : 'No VM is known, and nothing is to be plugged into one.')
    this.#drawHistory(filter)
    return view
  }

  /** Those whose explanation is on the screen. */
  #explained(view: View, shown: readonly VolumeView[]): readonly VolumeView[] {
    const opened = shown.filter(volume => volume.standing !== 'ready' && this.#open.has(idOf('vms', volume)))
    const all = [...view.stuck.slice(0, MOST), ...view.moving.slice(0, MOST).filter(volume => this.#open.has(idOf('moving', volume))), ...opened]
    return [...new Map(all.map(volume => [volume.key, volume])).values()]
  }

  #section(place: 'stuck' | 'moving', volumes: readonly VolumeView[]): void {
    const section = byId(place)
    section.hidden = volumes.length === 0
    this.#lists[place].show(volumes.slice(0, MOST).map(volume => this.#volumePiece(volume, place)))
    const more = section.querySelector<HTMLElement>('.more')
    if (more === null) return
    more.hidden = volumes.length <= MOST
    if (!more.hidden) setText(more, `… and ${volumes.length - MOST} more; say above which to show.`)
  }

  #volumePiece(volume: VolumeView, place: Place): Piece {
    const parts = this.#partsOf(volume, place)
    return { key: volume.key, shows: [volume, parts], draw: () => drawVolume(volume, parts) }
  }

  #vmPiece(vm: VmView, isOpen: boolean): Piece {
    const pieces = isOpen ? vm.volumes.map(volume => this.#volumePiece(volume, 'vms')) : []
    const drawn = new Map(pieces.map(piece => [piece.key, piece.draw]))
    const toggle = (): void => {
      this.#toggled.set(vm.key, !isOpen)
      this.#redraw()
    }
    const drawOne = (volume: VolumeView): HTMLElement => drawn.get(volume.key)?.() ?? document.createElement('p')
    return { key: vm.key, shows: [vm, isOpen, pieces.map(({ shows }) => shows)], draw: () => drawVm(vm, { isOpen, toggle, drawVolume: drawOne }) }
  }

  #partsOf(volume: VolumeView, place: Place): VolumeParts {
    const fold = this.#fold(idOf(place, volume))
    const history = fold.isOpen ? newestOf(this.#answers.history.filter(entry => entry.volume === volume.key), '') : []
    return { ...fold, place, history, explanation: this.#answers.explanationOf(volume), evidence: this.#fold(`evidence ${idOf(place, volume)}`) }
  }

  #fold(id: string): Fold {
    const toggle = (): void => {
      if (!this.#open.delete(id)) this.#open.add(id)
      this.#redraw()
    }
    return { isOpen: this.#open.has(id), toggle }
  }

  #drawHistory(filter: string): void {
    const entries = newestOf(this.#answers.history, filter)
    const none = byId('history').querySelector<HTMLElement>('.none')
    if (none !== null) none.hidden = entries.length > 0
    this.#lists.history.show(entries.map(entry => ({ key: JSON.stringify(entry), shows: entry, draw: () => drawEntry(entry, true) })))
  }
}

function idOf(place: Place, { key }: VolumeView): string {
  return `${place} ${key}`
}

function listOf(id: string): KeyedList {
  const list = byId(id).querySelector('.list')
  if (list === null) throw new Error(`the page has no list in ${id}`)
  return new KeyedList(list)
}
