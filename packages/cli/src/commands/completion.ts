import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';

/** Scripts that ask `muster complete` for what fits: `value<TAB>description`, a line each; `:files` asks for files. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# muster completion for bash:  source <(muster completion bash)
_muster() {
  local line words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <(muster complete -- "\${words[@]}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _muster muster
`,
  zsh: `#compdef muster
# muster completion for zsh:  source <(muster completion zsh)
_muster() {
  local line value files=0
  local -a values descriptions
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then files=1; continue; fi
    value="\${line%%$'\\t'*}"
    values+=("$value")
    if [[ "$line" == *$'\\t'* ]]; then descriptions+=("$value  -- \${line#*$'\\t'}"); else descriptions+=("$value"); fi
  done < <(muster complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#values} )) && compadd -d descriptions -l -- "\${values[@]}"
  (( files )) && _files
}
if [[ "\${funcstack[1]}" == "_muster" ]]; then _muster "$@"; else compdef _muster muster; fi
`,
  fish: `# muster completion for fish:  muster completion fish | source
function __muster_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (muster complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c muster -f -a '(__muster_complete)'
`,
};

export const shells = Object.keys(scripts);

/** Prints the completion script of a shell. */
export function completion({ terminal, flags }: Invocation, shell: string): void {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined)
    throw new UsageError(`there is no completion for \`${shell}\``, `Write ${shells.join(', ')}.`, shell);
  terminal.print(flags.json === true ? JSON.stringify({ shell, script }) : script.trimEnd());
}
