import type { Shell } from './shells.ts'

/** Where a shell has `${`, which would mean something here. */
const DOLLAR = /@(?=\{)/g

/** Asks `hotplugctl __complete` for the words, so that it stays true whatever commands and flags there are. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell].replace(DOLLAR, '$')
}

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: String.raw`# bash completion of hotplugctl: source <(hotplugctl completion bash)
_hotplugctl() {
  local words=() prefix='' line word i
  # bash takes --flag=value apart at the equals sign
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=@{COMP_WORDS[i]}
    if ((@{#words[@]} > 0)) && [[ @{words[-1]} == --* && $word == = ]]; then words[-1]+==
    elif ((@{#words[@]} > 0)) && [[ @{words[-1]} == --*= ]]; then words[-1]+=$word
    else words+=("$word"); fi
  done
  [[ @{words[-1]} != --*=* ]] || prefix=@{words[-1]%%=*}=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :path ]]; then
      compopt -o filenames
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "@{words[-1]#"$prefix"}")
    else
      printf -v word %q "@{line%%$'\t'*}"
      COMPREPLY+=("@{word#"$prefix"}")
    fi
  done < <("@{COMP_WORDS[0]}" __complete -- "@{words[@]}" 2>/dev/null)
}
complete -F _hotplugctl hotplugctl`,
  zsh: String.raw`#compdef hotplugctl
# zsh completion of hotplugctl: source <(hotplugctl completion zsh), or as a file _hotplugctl in a directory of fpath
_hotplugctl() {
  local -a offers given
  local line word
  given=("@{(@Q)words[2,CURRENT-1]}" "@{(Q)PREFIX}")
  for line in "@{(@f)$("@{(Q)words[1]}" __complete -- "@{given[@]}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    if [[ $line == :path ]]; then
      compset -P '--*='
      _files
      return
    fi
    word=@{line%%$'\t'*}
    offers+=("@{word//:/\\:}:@{line#*$'\t'}")
  done
  _describe hotplugctl offers
}
if [[ @{funcstack[1]} == _hotplugctl ]]; then _hotplugctl "$@"; else compdef _hotplugctl hotplugctl; fi`,
  fish: String.raw`# fish completion of hotplugctl: hotplugctl completion fish | source
function __hotplugctl_offers
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    for line in (command $words[1] __complete -- $words[2..-1] $current 2>/dev/null)
        if test "$line" = :path
            set -l prefix (string match --regex '^--[^=]+=' -- $current)
            for path in (__fish_complete_path (string replace --regex '^--[^=]+=' '' -- $current))
                echo $prefix$path
            end
        else
            echo $line
        end
    end
end
complete --command hotplugctl --no-files --arguments '(__hotplugctl_offers)'`,
}
