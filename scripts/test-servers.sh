#!/bin/sh
# Installs the programs that tests drive and that a Python environment cannot hold.
#
# Needs root and apt. Elsewhere it says what is missing, and the tests that need it are skipped
# with the reason; with CI=true a missing program is a failure.
set -eu

# sshd is found where a user does not look.
PATH=$PATH:/usr/sbin:/usr/local/sbin

missing() {
    for pair in node:nodejs npm:npm tmux:tmux ps:procps busybox:busybox dash:dash gcc:gcc \
        sshd:openssh-server ssh:openssh-client rsync:rsync git:git rg:ripgrep fish:fish zsh:zsh csh:csh \
        slurmd:slurm-wlm munged:munge chromium-headless-shell:chromium-headless-shell; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
    done
}

packages=$(missing)
[ -n "$packages" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word per package
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >&2 ||
        for package in $packages; do # one that is not to be had keeps back all of them
            apt-get install -y -qq --no-install-recommends "$package" >&2 || true
        done
    packages=$(missing)
    [ -n "$packages" ] || exit 0
fi

echo "not installed, tests that need them are skipped: $packages" >&2
[ "${CI:-}" != true ]
