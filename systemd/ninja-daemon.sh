#!/bin/sh
# The command ninja-daemon of an installed server: each command runs as the services do, with their configuration, their
# credentials and their state, and with as little power over the machine. NINJA_RELEASE names another release than the
# current one. The services themselves do not come this way.
set -eu

home=/opt/ninja-daemon
release=${NINJA_RELEASE:+releases/$NINJA_RELEASE}
program=$home/${release:-current}/venv/bin/ninja-daemon
credentials=/etc/ninja-daemon/credentials

case ${1:-} in
'' | --help | -h | --version | demo | simulator)
    exec "$program" "$@"
    ;;
esac
for word in "$@"; do
    case $word in
    --help | -h) exec "$program" "$@" ;;
    esac
done
if [ "$(id -u)" -ne 0 ]; then
    echo "ninja-daemon ${1} must be run as root, which alone may read the credentials: sudo ninja-daemon $*" >&2
    exit 2
fi

# Everything in the folder is handed over; Redis is spoken to as the user for operators, where there is one.
count=$#
for file in "$credentials"/* "$credentials"/destinations/*; do
    if [ ! -f "$file" ] || [ ! -s "$file" ]; then continue; fi
    name=${file##*/}
    case $name in
    operator_redis_url) name=redis_url ;;
    redis_url) [ ! -s "$credentials/operator_redis_url" ] || continue ;;
    *_redis_url) continue ;;
    esac
    if [ "$name" = redis_url ]; then
        # A socket belongs to a group: unix://USER:PASSWORD@/PATH?db=0
        socket=$(sed -n 's,^unix://[^/]*\(/[^?]*\).*,\1,p' "$file")
        if [ -S "$socket" ]; then set -- "$@" "--property=SupplementaryGroups=$(stat -c %G "$socket")"; fi
    fi
    set -- "$@" "--property=LoadCredential=$name:$file"
done
# What was asked for goes behind the options.
set -- "$@" -- "$program"
while [ "$count" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    count=$((count - 1))
done

# Away from the caller's folder, whose .env is none of ours; files are named by their whole path.
exec systemd-run --quiet --collect --wait --pipe --service-type=exec \
    --property=User=ninja-daemon --property=DynamicUser=yes \
    --property=StateDirectory=ninja-daemon --property=StateDirectoryMode=0700 \
    --property=EnvironmentFile=-/etc/ninja-daemon/ninja.env \
    --property=SyslogIdentifier=ninja-daemon-command \
    --setenv=NINJA_CONFIG=/etc/ninja-daemon/ninja.toml --setenv=TERM="${TERM:-dumb}" \
    --setenv=COLUMNS="$( (stty size </dev/tty | cut -d ' ' -f 2) 2>/dev/null || echo 100)" \
    --working-directory=/ "$@"
