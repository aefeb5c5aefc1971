/** A heap takes its size over several rounds, and gives some of it back; what leaks grows in every one. */
const ROUNDS = 10

/**
 * Runs rounds of the same work until one of them leaves no more than `slackBytes` behind. Resolves with the least that any
 * round has left: a leak of more than the slack a round is seen in each of them, however much else comes and goes.
 */
export async function leastGrowth(slackBytes: number, round: () => Promise<void>, bytesHeld: () => number | Promise<number>): Promise<number> {
  let [least, before] = [Infinity, await bytesHeld()]
  for (let i = 0; i < ROUNDS && least > slackBytes; i++) {
    await round()
    const after = await bytesHeld()
    least = Math.min(least, after - before)
    before = after
  }
  return least
}
