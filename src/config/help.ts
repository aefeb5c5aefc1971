import { OPTIONS, variableOf, type Option } from './options.ts'

const ALL: readonly Option<unknown>[] = Object.values(OPTIONS)

const ASKS = [
  ['--config FILE', 'YAML file with the options below as keys (also HOTPLUGD_CONFIG).'],
  ['--validate-config', 'Only say whether the configuration is valid, with every problem in it; exit code 0 or 2.'],
  ['--version', 'Print the version.'],
  ['-h, --help', 'Print this.'],
] as const

/** The text of `hotplugd --help`. */
export function helpText(): string {
  const options = ALL.map(option => [`--${option.name}${option.kind === 'switch' ? '=' : ' '}${option.placeholder}`, `${option.doc}${defaultOf(option)}`] as const)
  return [
    'hotplugd plugs volumes into running virtual machines and takes them out again.',
    '',
    'Usage: hotplugd [FLAGS]',
    '',
    ...[...ASKS, ...options].flatMap(([flag, doc]) => [`  ${flag}`, ...wrap(doc, 90).map(line => `      ${line}`)]),
    '',
    'Each option is also a variable (--state-dir is HOTPLUGD_STATE_DIR) and a key of the file (state-dir: DIR).',
    'Flags win over variables, variables over the file.',
    '',
  ].join('\n')
}

/** The same as a Markdown table, for the documentation. */
export function optionsAsMarkdown(): string {
  const rows = ALL.map(option => {
    const flag = `\`--${option.name} ${option.placeholder.replaceAll('|', '\\|')}\``
    return `| ${flag} | \`${variableOf(option.name)}\` | \`${option.name}\` | ${option.defaults.map(text => `\`${text}\``).join(', ')} | ${option.doc} |`
  })
  return ['| flag | variable | key in the file | default | |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}

function defaultOf(option: Option<unknown>): string {
  return option.defaults.length === 0 ? '' : ` Default: ${option.defaults.join(' ')}.`
}

/** Breaks a text into lines of at most `width` letters, at spaces. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
