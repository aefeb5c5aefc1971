import type { StatusObject } from '../../http/objects/status-object.ts'

/** Why the page cannot see: the session is over, or something between it and hotplugd is away. */
export class Unseen extends Error {
  readonly isOver: boolean

  constructor(message: string, isOver = false) {
    super(message)
    this.isOver = isOver
  }
}

const ANSWER_TIMEOUT_MS = 15_000

/** Asks the API. Throws Unseen where there is no answer, or one that is not of the codes that were expected. */
export async function ask(path: string, signal: AbortSignal, codes: readonly number[] = [200]): Promise<Response> {
  const answer = await fetch(path, { signal, cache: 'no-store', redirect: 'error' }).catch((error: unknown) => {
    throw new Unseen(signal.aborted ? 'no answer in time' : `nobody answers: did hotplugctl ui or the tunnel end? (${String(error)})`)
  })
  if (codes.includes(answer.status)) return answer
  throw new Unseen(await refusalWords(answer), answer.status === 401)
}

/** The JSON at a path. Throws Unseen. */
export async function askJson<T>(path: string): Promise<T> {
  return (await (await ask(path, AbortSignal.timeout(ANSWER_TIMEOUT_MS))).json()) as T
}

/** The daemon says why in a Status object. */
async function refusalWords(answer: Response): Promise<string> {
  const text = await answer.text().catch(() => '')
  try {
    const { message, details } = JSON.parse(text) as Partial<StatusObject>
    return details?.causes[0]?.message ?? message ?? `the answer was ${answer.status}`
  } catch {
    return `the answer was ${answer.status}`
  }
}

/** The history, newest last. */
export const HISTORY = '/debug/history?limit=200'
export const WATCH = '/apis/kubevirt.io/v1/virtualmachineinstances?watch=true'

export function explainPath({ namespace, vm, name }: { readonly namespace: string; readonly vm: string; readonly name: string }): string {
  const part = encodeURIComponent
  return `/apis/hotplugd.io/v1/namespaces/${part(namespace)}/virtualmachineinstances/${part(vm)}/volumes/${part(name)}/explain`
}
