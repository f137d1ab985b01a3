# SPDX-License-Identifier: GPL-3.0-or-later
# Run by the harness in a mount and process namespace of its own, so that nothing stays mounted or running:
# enter.sh CHROOT REPOSITORY RESULTS COMMAND... runs a command in the chroot, on an X display of its own.
set -e
root=$1 repository=$2 results=$3
shift 3
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/tmp/repository" "$root/tmp/results" "$root/tmp/home"
mount --bind "$results" "$root/tmp/results"
mkdir "$root/tmp/results/tmp"
mount --bind "$repository" "$root/tmp/repository"
mount -o remount,bind,ro "$root/tmp/repository"
exec chroot "$root" env -i PATH=/usr/bin:/bin HOME=/tmp/home LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    BLENDER_USER_RESOURCES=/tmp/user PYTHONFAULTHANDLER=1 TMPDIR=/tmp/results/tmp sh -ec '
    Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp 3>/tmp/display &
    tries=0
    while [ ! -s /tmp/display ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "Xvfb did not start within 30 s"; exit 1; }
        sleep 0.1
    done
    DISPLAY=:$(cat /tmp/display) exec "$@"
' sh "$@"
