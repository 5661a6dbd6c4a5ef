#!/bin/sh
# A real Slurm on this machine alone: one node, two fake GPUs, partitions "cpu" and "gpu".
#
#   slurm.sh DIR PORT PORT      prints "ready" once jobs can run, and ends all of it when stdin does
#
# Everything lies in DIR: `SLURM_CONF=DIR/slurm.conf` makes sbatch, squeue, ... talk with this Slurm.
# Nothing of the system's own Slurm or munge is touched, and no systemd, no cgroup, no root is needed.
set -eu

home=$1 controller_port=$2 node_port=$3
host=$(hostname -s)
user=$(id -un)
umask 077
mkdir -p "$home/state" "$home/spool"

pids=
end() {
    trap '' EXIT HUP INT TERM
    # Steps and batch jobs would outlive their slurmd.
    jobs=$(scontrol listpids 2>/dev/null | sed -n 's/^\([0-9][0-9]*\) .*/\1/p') || true
    scancel --quiet --user "$user" >/dev/null 2>&1 || true
    for _ in $(seq 50); do
        [ "$(squeue --noheader 2>/dev/null)" ] || break
        sleep 0.1
    done
    # shellcheck disable=SC2086 # one word per process
    [ -z "$jobs" ] || kill -KILL $jobs 2>/dev/null || true
    # shellcheck disable=SC2086 # one word per process
    kill $pids 2>/dev/null || true
    # A controller that waits for a job's end does not go by itself.
    (sleep 5; exec kill -KILL $pids) </dev/null >/dev/null 2>&1 &
    killer=$!
    # shellcheck disable=SC2086
    wait $pids || true
    kill -KILL "$killer" 2>/dev/null || true
}
trap 'end' EXIT
trap 'exit 1' HUP INT TERM

# A GPU's File must be a device; these two are there in every container.
cat >"$home/gres.conf" <<CONF
Name=gpu Type=fake File=/dev/null
Name=gpu Type=fake File=/dev/zero
CONF

# Job ids of its own: what lies on this computer under a job's id may be another Slurm's.
cat >"$home/slurm.conf" <<CONF
ClusterName=studio
FirstJobId=${controller_port}00
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$home/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0,defer_batch=no
SchedulerType=sched/backfill
ReturnToService=2
KillWait=1
MpiDefault=none
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.log
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=500 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=60 State=UP
CONF
export SLURM_CONF="$home/slurm.conf"

dd if=/dev/urandom of="$home/munge.key" bs=1024 count=1 2>/dev/null
munged --foreground --force --socket="$home/munge.socket" --key-file="$home/munge.key" \
    --pid-file="$home/munge.pid" --log-file="$home/munge.log" --seed-file="$home/munge.seed" \
    </dev/null >"$home/munge.out" 2>&1 &
pids=$!
for _ in $(seq 100); do
    [ -S "$home/munge.socket" ] && break
    sleep 0.1
done
slurmctld -D </dev/null >"$home/slurmctld.out" 2>&1 &
pids="$pids $!"
slurmd -D </dev/null >"$home/slurmd.out" 2>&1 &
pids="$pids $!"

state=unknown
for _ in $(seq 150); do
    state=$(sinfo --noheader --partition=cpu --format=%T 2>/dev/null) || true
    [ "$state" = idle ] && break
    sleep 0.1
done
if [ "$state" != idle ]; then
    echo "Slurm does not come up:" >&2
    tail -n 5 "$home"/*.log "$home"/*.out >&2
    exit 1
fi
echo ready
cat >/dev/null
