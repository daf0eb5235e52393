/**
 * The guardian's whole program, in bash: small, shares no fault with Node, and is on every host that runs us.
 *
 * Lines it hears (stdin): `+ <address>/<prefix> <interface>` and `- ...` (held, not held any more), `t` (the agent is well), `q` (the
 * same, and are you there?).
 * Lines it says (stdout): `ready`, `here`, `no-ip` (no `ip` command), `fenced` (it had taken everything away before you spoke again).
 *
 * What it does: the pipe closes, so the agent is gone: remove all, end. No line for the limit after the first tick, so the
 * agent hangs: remove all; the first line after that proves the agent runs again and may meanwhile have put addresses back:
 * remove all once more, forget them, say `fenced`. It takes nothing from its input but what two patterns allow.
 */
/** A dollar sign in front of a brace, which a template would take for itself. */
const D = '$';

export const GUARDIAN_SCRIPT = String.raw`
trap '' TERM INT HUP QUIT ABRT USR1 USR2 PIPE TSTP TTIN TTOU
set -f
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
limit=$1
{ echo -900 >/proc/self/oom_score_adj; } 2>/dev/null
if ! type -P ip >/dev/null; then echo no-ip; exit 3; fi
address='^[0-9A-Fa-f.:]{2,45}/[0-9]{1,3}$'
interface='^[A-Za-z0-9_.@][A-Za-z0-9_.:@-]{0,14}$'
declare -A held=()
ticking=0
fenced=0
remove_all() {
  if [ "$((${D}{#held[@]}))" -gt 0 ]; then
    printf '%s\n' "${D}{held[@]}" | ip -force -batch - >/dev/null 2>&1
  fi
}
echo ready
while :; do
  if IFS=' ' read -r -t "$limit" verb at on rest; then
    if [ "$fenced" = 1 ]; then
      remove_all
      held=()
      fenced=0
      echo fenced 2>/dev/null
    fi
    case $verb in
      t) ticking=1 ;;
      q) ticking=1; echo here 2>/dev/null ;;
      +|-)
        if [[ $at =~ $address && $on =~ $interface && -z $rest ]]; then
          if [ "$verb" = + ]; then held["$at $on"]="address delete $at dev $on"
          else unset "held[$at $on]"
          fi
        fi ;;
    esac
  elif [ $? -gt 128 ]; then
    # Late ourselves: what already waits to be read is no silence.
    if [ "$ticking" = 1 ] && ! read -r -t 0; then
      if [ "$((${D}{#held[@]}))" -gt 0 ]; then
        remove_all
        fenced=1
      fi
    fi
  else
    remove_all
    exit 0
  fi
done
`;
