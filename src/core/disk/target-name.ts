const LETTERS = 26

/** The n-th SCSI target name, from 0: sda … sdz, sdaa … */
export function targetName(index: number): string {
  let rest = index
  let letters = ''
  do {
    letters = String.fromCharCode(97 + (rest % LETTERS)) + letters
    rest = Math.floor(rest / LETTERS) - 1
  } while (rest >= 0)
  return `sd${letters}`
}

/** The first target name that is not taken. Names are unique in a domain over all buses. */
export function firstFreeTarget(taken: ReadonlySet<string>): string {
  let index = 0
  while (taken.has(targetName(index))) index++
  return targetName(index)
}
