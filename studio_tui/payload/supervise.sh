#!/bin/sh
# Runs jobs that outlive whoever started them. POSIX sh alone: dash, bash, busybox; no daemon, nothing installed.
#
#   supervise.sh start  ROOT ID CWD LENGTH [RETRIES [LIMIT [HIDDEN [WHY [PARCEL MARK]]]]]
#                       on stdin HIDDEN lines NAME=VALUE, then the job's script, LENGTH bytes. A second start changes
#                       nothing. A job that fails is run again up to RETRIES times; LIMIT seconds after its start it is
#                       stopped, because of WHY, at a checkpoint if it can be held. Hidden variables are given to the job
#                       and never written down; in VALUE a backslash is \\ and a new line \n. With a PARCEL, a folder
#                       that pack made, the job goes on in what another one has written, after MARK in its log.
#   supervise.sh status ROOT ID
#   supervise.sh list   ROOT                    "ID LINE" for each job
#   supervise.sh follow ROOT ID LOG METRICS     frames from these byte offsets on, until the job or stdin ends
#   supervise.sh read   ROOT ID FILE OFF LEN    "SIZE\n" and the bytes; FILE is log, metrics or checkpoints
#   supervise.sh cancel ROOT ID GRACE [WHY]     TERM, after GRACE seconds KILL, strays included
#   supervise.sh finish ROOT ID GRACE WHY       the same at a checkpoint, if the job can be held
#   supervise.sh remove ROOT ID                 forgets a job that has ended
#   supervise.sh hold   ROOT ID                 asks it to wait at a checkpoint, for a minute: "LINE\nWHO\nSTEP PATH\n"
#   supervise.sh release ROOT ID                it need not wait
#   supervise.sh pack   ROOT ID [PATH]          ROOT/ID/parcel: what a job goes on with elsewhere, a checkpoint too
#
# LINE    STATE EXIT LOG_SIZE METRICS_SIZE STARTED ENDED REASON        "-" for what is not known
# STATE   starting running succeeded failed stopped lost missing
# frames  "F log OFF LEN\n" bytes   "F metrics OFF LEN\n" bytes   "H STATE EXIT LOG METRICS\n" on a change
#         "E STATE EXIT LOG METRICS\n" at the end of the job
#
# ROOT/ID holds: script cwd umask retries limit; claim, sup, pid ("PID BIRTH BOOT" of the starter, the recorder, the
# job); log, metrics; started, ended, stop (somebody asked for the end, and why); exit. Each is written whole, by rename, so no reader sees
# half of one. In checkpoints the job itself lists what it can go on from, a path a line, the newest last. hold, holds,
# held: see lightning/studio_hold.py.
#
# A job finds in its environment STUDIO_JOB_ID, STUDIO_JOB_DIR, STUDIO_METRICS, STUDIO_CHECKPOINTS (those files),
# STUDIO_ATTEMPT (0, 1, ...), and from the second attempt on STUDIO_RESUME: the newest checkpoint that is there.
# A pid alone proves nothing: it is compared with the process's birth and with the boot, and a zombie is dead.
# Exit: 0 done; 64 usage; 65 no way to a session of its own; 66 the script came in part; 67 the job still runs;
# 68 no such job.
set -u

die() { code=$1; shift; echo "$*" >&2; exit "$code"; }

# ---------------------------------------------------------------- processes

boot() {
  if [ -r /proc/sys/kernel/random/boot_id ]; then read -r BOOT < /proc/sys/kernel/random/boot_id
  else BOOT=$(sysctl -n kern.boottime 2>/dev/null | tr -dc 0-9); BOOT=${BOOT:-none}; fi
}

# birth PID -> BIRTH: its start time, unique together with the pid within one boot; fails when it is gone or a zombie
birth() {
  BIRTH=
  if [ -d /proc/self ]; then
    { IFS= read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) } # the name before it may hold spaces and brackets
    set -- $stat
    case $1 in Z|X) return 1;; esac
    shift 19; BIRTH=$1
  else
    stat=$(ps -o stat=,lstart= -p "$1" 2>/dev/null) || return 1
    case $stat in Z*|'') return 1;; esac
    BIRTH=$(echo "${stat#* }" | tr -d ' ')
  fi
}

put() { cat > "$1.$$" && mv -f "$1.$$" "$1"; }

sign() { boot; birth $$; echo "$$ $BIRTH $BOOT" | put "$1"; } # writes down who this very process is

# alive FILE -> PID BOOT_OF: whether the process that signed FILE still lives; fails also when there is no FILE
alive() {
  PID= BORN= BOOT_OF=
  [ -f "$1" ] && read -r PID BORN BOOT_OF < "$1" || return 1
  [ "$BOOT_OF" = "$BOOT" ] && birth "$PID" && [ "$BIRTH" = "$BORN" ]
}

# session COMMAND...: becomes it, in a session of its own and with signals as a login shell has them. A shell's
# background list has SIGINT ignored, for ever and for all its children, unless somebody sets it back.
session() {
  signals=HUP,INT,QUIT,PIPE,TERM
  if command -v setsid >/dev/null 2>&1 && env --default-signal=$signals true 2>/dev/null; then
    exec env --default-signal=$signals setsid "$@"
  elif command -v python3 >/dev/null 2>&1; then exec python3 -c 'import os, signal as s, sys
for n in (s.SIGHUP, s.SIGINT, s.SIGQUIT, s.SIGPIPE, s.SIGTERM): s.signal(n, s.SIG_DFL)
os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])' "$@"
  elif command -v perl >/dev/null 2>&1; then exec perl -e 'use POSIX ();
$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT PIPE TERM); POSIX::setsid(); exec {$ARGV[0]} @ARGV' "$@"
  else exec setsid "$@"; fi
}

# Everything that carries the job's mark: torchrun's workers, say, sit in sessions of their own.
strays() {
  [ -d /proc/self ] || return 0
  for file in $(grep -lsF "STUDIO_JOB_DIR=$dir" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${file#/proc/}; pid=${pid%/environ}
    [ "$pid" != $$ ] && birth "$pid" || continue
    tr '\0' '\n' < "$file" 2>/dev/null | grep -qxF "STUDIO_JOB_DIR=$dir" && echo "$pid"
  done
}

# sweep PATIENCE: asks what carries the mark to end, and kills what is left after PATIENCE fifths of a second
sweep() {
  left=$(strays)
  [ "$left" ] || { nap 0.1; left=$(strays); } # of one that is just starting the mark cannot be read
  [ "$left" ] || return 0
  kill -s TERM $left 2>/dev/null
  tries=0; while left=$(strays); [ "$left" ] && [ $tries -lt "$1" ]; do tries=$((tries+1)); nap 0.2; done
  [ "$left" ] && kill -s KILL $left 2>/dev/null
  tries=0; while [ "$left" ] && [ $tries -lt 20 ]; do tries=$((tries+1)); nap 0.05; left=$(strays); done
}

nap() { sleep "$1" 2>/dev/null || sleep 1; } # some sleeps know whole seconds only

# ---------------------------------------------------------------- what became of a job

# look -> STATE EXIT REASON of the job in $dir. The order of the looks matters: each writer leaves its mark before it ends.
look() {
  STATE=lost EXIT=- REASON=-
  [ -d "$dir" ] || { STATE=missing; return; }
  boot
  tries=0
  while :; do
    if [ -f "$dir/exit" ]; then
      read -r EXIT < "$dir/exit"
      if [ -f "$dir/stop" ]; then STATE=stopped; read -r REASON < "$dir/stop"; REASON=${REASON:--}
      elif [ "$EXIT" = 0 ]; then STATE=succeeded
      else STATE=failed; fi
      return
    fi
    began=; [ -f "$dir/pid" ] && began=1
    if alive "$dir/pid"; then STATE=running; return; fi
    if alive "$dir/sup"; then # before the job's start, or between its end and the recorder's note of it
      [ -f "$dir/exit" ] && continue
      STATE=running; [ "$began" ] || STATE=starting
      return
    fi
    if [ ! "$began" ] && alive "$dir/claim"; then STATE=starting; return; fi
    [ -f "$dir/exit" ] && continue # written between the first look and the recorder's end
    if [ ! "$began" ] && [ -f "$dir/pid" ]; then continue; fi
    [ -f "$dir/claim" ] || [ $tries -ge 3 ] && break
    tries=$((tries+1)); nap 0.2 # claimed a moment ago, not signed yet
  done
  if [ -f "$dir/stop" ]; then STATE=stopped; EXIT=137
  elif [ "${BOOT_OF:-$BOOT}" != "$BOOT" ]; then REASON=reboot
  elif [ "$began" ]; then REASON=died
  else REASON=never-started; fi
}

sizes() { # -> LOG METRICS
  LOG=0 METRICS=0
  set -- $(cd "$dir" 2>/dev/null && wc -c log metrics 2>/dev/null)
  [ $# -ge 4 ] && LOG=$1 METRICS=$3
}

word() { if [ -f "$dir/$1" ]; then read -r WORD < "$dir/$1"; else WORD=-; fi; }

line() {
  look; sizes
  word started; began_at=$WORD; word ended
  echo "$STATE $EXIT $LOG $METRICS $began_at $WORD $REASON"
}

# ---------------------------------------------------------------- what a job is given

NEWLINE='
'

# timer SECONDS WHY: stops the job when it has had its time; ends soon after the job itself
timer() {
  until=$(($(date +%s)+$1))
  while [ -d "$dir" ] && [ ! -f "$dir/exit" ]; do
    left=$((until-$(date +%s)))
    [ $left -le 0 ] && exec "$shell" "$0" finish "${dir%/*}" "${dir##*/}" 30 "$2"
    [ $left -gt 5 ] && left=5
    sleep $left
  done
}

resume() { # -> STUDIO_RESUME
  while IFS= read -r path; do [ -e "$path" ] && STUDIO_RESUME=$path; done < "$dir/checkpoints"
}

# told FILE -> TOLD: its first line, - when there is none
told() { TOLD=-; [ -f "$dir/$1" ] && IFS= read -r TOLD < "$dir/$1"; TOLD=${TOLD:--}; }

# adopt PARCEL MARK: what another job has written becomes this one's beginning
adopt() {
  for file in "$1"/*; do
    case ${file##*/} in log|metrics) ;; *) printf '%s\n' "$dir/${file##*/}" > "$dir/checkpoints";; esac
    mv -f "$file" "$dir/"
  done
  rm -rf "$1"
  [ -s "$dir/log" ] && [ "$(tail -c 1 "$dir/log" | wc -l)" -eq 0 ] && echo >> "$dir/log"
  printf '%s\n' "$2" >> "$dir/log"
  printf '\n{"event": "moved"}\n' >> "$dir/metrics"
}

reveal() { # exports what is hidden
  rest=${STUDIO_HIDDEN:-}; unset STUDIO_HIDDEN
  while [ "$rest" ]; do
    line=${rest%%"$NEWLINE"*} rest=${rest#*"$NEWLINE"}
    value=$(printf '%b.' "${line#*=}") # the dot keeps new lines at the end
    export "${line%%=*}=${value%.}"
  done
}

# ---------------------------------------------------------------- the verbs

verb=${1:-} root=${2:-} id=${3:-}
[ "$root" ] || die 64 "usage: supervise.sh VERB ROOT [ID ...]"
case $verb in
  list|recorder|job) ;;
  *) case $id in ''|.*|*[!A-Za-z0-9._-]*) die 64 "a job's id is letters, digits, dot, dash and underscore: '$id'";; esac;;
esac
dir=$root/$id
shell=${STUDIO_SH:-/bin/sh}
if [ "${STUDIO_JOB_DIR:-}" ]; then # asked from inside a job: neither we nor what we start is a part of it
  unset STUDIO_JOB_ID STUDIO_JOB_DIR STUDIO_METRICS STUDIO_CHECKPOINTS STUDIO_ATTEMPT STUDIO_RESUME STUDIO_HIDDEN
  exec "$shell" "$0" "$@"
fi

case $verb in
start)
  cwd=${4:?} length=${5:?} lines=${8:-0}
  # The recorder has them in its environment and hands them on to every attempt: they are in no file.
  STUDIO_HIDDEN=
  while [ "$lines" -gt 0 ] && IFS= read -r hidden; do
    STUDIO_HIDDEN=$STUDIO_HIDDEN$hidden$NEWLINE lines=$((lines-1))
  done
  export STUDIO_HIDDEN
  mask=$(umask); umask 077
  mkdir -p "$root"
  command -v setsid >/dev/null 2>&1 || command -v python3 >/dev/null 2>&1 || command -v perl >/dev/null 2>&1 ||
    die 65 "none of setsid, python3 and perl is on this machine"
  part=$root/.$id.$$ parcel=${10:-}
  cat > "$part"
  if [ "$(wc -c < "$part" | tr -d ' ')" != "$length" ]; then rm -f "$part"; die 66 "the job's script came in part"; fi
  if [ ! -d "$dir" ] && [ "$parcel" ] && [ ! -f "$parcel/log" ]; then
    rm -f "$part"; die 69 "what the job is to go on with is not on this machine"
  fi
  if ! mkdir "$dir" 2>/dev/null; then rm -f "$part"; line; exit; fi # mkdir is the lock
  sign "$dir/claim"
  printf '%s\n' "$cwd" > "$dir/cwd"; echo "$mask" > "$dir/umask"
  echo "${6:-0}" > "$dir/retries"; echo "${7:-0} ${9:-max-runtime}" > "$dir/limit"
  : > "$dir/log"; : > "$dir/metrics"; : > "$dir/checkpoints"
  [ "$parcel" ] && adopt "$parcel" "${11:-studio: moved}"
  date +%s | put "$dir/started"
  mv "$part" "$dir/script"
  ( session "$shell" "$0" recorder "$dir" ) </dev/null >/dev/null 2>&1 &
  tries=0
  while [ ! -f "$dir/pid" ] && [ ! -f "$dir/exit" ] && [ $tries -lt 100 ]; do tries=$((tries+1)); nap 0.05; done
  line;;

recorder) # waits for the job and writes its exit code; in a session of its own, so that no kill of the job's reaches it
  dir=$root; umask 077; sign "$dir/sup"
  trap '' HUP INT TERM
  read -r retries < "$dir/retries"; read -r limit why < "$dir/limit"
  [ "$limit" -gt 0 ] && ( timer "$limit" "$why" ) &
  if IFS= read -r cwd < "$dir/cwd" && cd "$cwd" 2>/dev/null; then
    attempt=0
    while :; do
      ( trap - HUP INT TERM; session "$shell" "$0" job "$dir" $attempt ) </dev/null >>"$dir/log" 2>&1
      code=$?
      [ $code -ne 0 ] && [ ! -f "$dir/stop" ] && [ $attempt -lt "$retries" ] || break
      sweep 10
      attempt=$((attempt+1))
      printf '\n{"event": "attempt", "attempt": %s, "exit_code": %s}\n' $attempt $code >> "$dir/metrics"
    done
  else
    echo "studio: no such folder: $cwd" >> "$dir/log"; code=127
  fi
  date +%s | put "$dir/ended"
  tries=0
  until echo $code | put "$dir/exit" || [ $tries -ge 600 ]; do tries=$((tries+1)); nap 1; done;; # a full disk may pass

job) # one attempt
  dir=$root attempt=$id; umask 077; sign "$dir/pid"
  [ -f "$dir/stop" ] && exit 143 # asked for between two attempts, when there was nothing to signal
  rm -f "$dir/holds" "$dir/held" "$dir/hold.at" # of an earlier attempt
  STUDIO_JOB_ID=${dir##*/} STUDIO_JOB_DIR=$dir STUDIO_METRICS=$dir/metrics STUDIO_CHECKPOINTS=$dir/checkpoints
  STUDIO_ATTEMPT=$attempt STUDIO_RESUME=
  [ "$attempt" -gt 0 ] && resume
  [ "$STUDIO_RESUME" ] && export STUDIO_RESUME
  export STUDIO_JOB_ID STUDIO_JOB_DIR STUDIO_METRICS STUDIO_CHECKPOINTS STUDIO_ATTEMPT
  [ "$attempt" -gt 0 ] && echo "studio: attempt $((attempt+1)), from ${STUDIO_RESUME:-the start}"
  reveal
  read -r mask < "$dir/umask"; umask "$mask"
  exec "$shell" "$dir/script";;

status) line;;

list)
  for dir in "$root"/*/; do
    dir=${dir%/}
    [ -f "$dir/script" ] && echo "${dir##*/} $(line)"
  done
  exit 0;;

read)
  case ${4:-} in log|metrics|checkpoints) ;; *) die 64 "read takes log, metrics or checkpoints";; esac
  [ -f "$dir/$4" ] || die 68 "no such job: $id"
  wc -c < "$dir/$4" | tr -d ' '
  tail -c +$((${5:?}+1)) "$dir/$4" | head -c "${6:?}";;

follow)
  log=${4:?} metrics=${5:?} most=262144 me=$$ rest=0.05 last=
  birth $$; born=$BIRTH
  # When the connection dies our stdin ends: the watchdog sees it and nothing is left behind. Its stdin goes over fd 3,
  # because dash and busybox give a background list /dev/null, whatever "<&0" says.
  exec 3<&0 </dev/null
  ( while read -r _ <&3; do :; done
    birth "$me" && [ "$BIRTH" = "$born" ] && kill -s KILL "$me" ) >/dev/null 2>&1 &
  watchdog=$!
  exec 3<&-
  trap 'kill "$watchdog" 2>/dev/null' EXIT
  trap 'exit 1' PIPE TERM HUP INT

  send() { # send NAME FROM TO: in frames; -> OFF
    OFF=$2
    while [ "$3" -gt "$OFF" ]; do
      part=$(($3-OFF)); [ $part -gt $most ] && part=$most
      printf 'F %s %s %s\n' "$1" "$OFF" "$part" || exit 1
      tail -c +$((OFF+1)) "$dir/$1" | head -c "$part" || exit 1
      OFF=$((OFF+part)) rest=0.05
    done
  }

  while :; do
    look; sizes # in this order: what a job wrote before its end is in the files when its end is known
    send log "$log" "$LOG"; log=$OFF
    send metrics "$metrics" "$METRICS"; metrics=$OFF
    case $STATE in starting|running) ;; *) echo "E $STATE $EXIT $log $metrics"; exit 0;; esac
    if [ "$STATE" != "$last" ]; then echo "H $STATE $EXIT $log $metrics" || exit 1; last=$STATE; fi
    nap $rest
    case $rest in 0.05) rest=0.1;; 0.1) rest=0.2;; 0.2) rest=0.4;; esac # a quiet job costs little
  done;;

cancel)
  umask 077
  grace=${4:-10}
  look
  tries=0; while [ "$STATE" = starting ] && [ $tries -lt 100 ]; do tries=$((tries+1)); nap 0.05; look; done
  [ "$STATE" = running ] || { line; exit; }
  [ -f "$dir/stop" ] || echo "${5:-}" | put "$dir/stop"
  # The group is ours to signal only while its leader is the process that signed the file.
  leader() { [ ! -f "$dir/exit" ] && alive "$dir/pid"; }
  leader && kill -s TERM -- "-$PID" 2>/dev/null
  tries=0; while leader && [ $tries -lt $((grace*10)) ]; do tries=$((tries+1)); nap 0.1; done
  leader && kill -s KILL -- "-$PID" 2>/dev/null
  patience=$((grace*5)); [ $patience -gt 10 ] && patience=10
  sweep $patience
  tries=0; while look; [ "$STATE" = running ] && [ $tries -lt 50 ]; do tries=$((tries+1)); nap 0.1; done
  line;;

finish)
  look
  told holds
  if [ "$STATE" = running ] && [ "$TOLD" = trainer ]; then
    : > "$dir/hold"; told held
    tries=0; while [ "$TOLD" = - ] && [ $tries -lt 40 ]; do tries=$((tries+1)); nap 0.5; look
      [ "$STATE" = running ] && told held || break
    done
  fi
  exec "$shell" "$0" cancel "$root" "$id" "${4:?}" "${5:?}";;

hold)
  look
  [ "$STATE" != missing ] || die 68 "no such job: $id"
  umask 077
  [ "$STATE" != running ] || : > "$dir/hold"
  line
  told holds; echo "$TOLD"; told held; printf '%s\n' "$TOLD";;

release) rm -f "$dir/hold";;

pack)
  [ -f "$dir/log" ] || die 68 "no such job: $id"
  umask 077; mkdir -p "$dir/parcel" || exit 1
  # The same files under other names: what the job still writes is in the parcel, too.
  for file in log metrics; do ln -f "$dir/$file" "$dir/parcel/$file" 2>/dev/null || cp -p "$dir/$file" "$dir/parcel/" || exit 1; done
  path=${4:-}
  case $path in
    '') ;;
    "$dir/parcel"/*) [ -e "$path" ] || exit 1; echo "${path##*/}";;
    *)
      for old in "$dir/parcel/"step-*; do rm -rf "$old"; done
      cp -Rp "$path" "$dir/parcel/step-saved.ckpt" && echo step-saved.ckpt;;
  esac;;

remove)
  look
  case $STATE in
    missing) exit 0;;
    starting|running) die 67 "job $id is still $STATE";;
  esac
  mv "$dir" "$root/.removed.$id.$$" && rm -rf "$root/.removed.$id.$$";;

*) die 64 "no such verb: $verb";;
esac
