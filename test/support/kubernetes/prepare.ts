/** Called by prepare.sh: builds what is missing. Says on stderr how it goes; what the compiler says is on stdout. */
import { hotplugdImage } from '../../image/build.ts'
import { buildAll } from './binaries.ts'

const say = (line: string): void => console.error(`prepare: ${line}`)

try {
  await buildAll({ say, log: (line) => console.log(line) })
  if (!process.argv.includes('--without-image')) await hotplugdImage(say) // here it has the machine for itself
} catch (error) {
  console.log(String(error))
  process.exitCode = 1
}
