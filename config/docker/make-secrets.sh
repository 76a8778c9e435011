#!/bin/sh
# Makes the secrets that compose.yaml hands over: a password for each Redis user, and the file of users with their hashes.
# What is there already is kept. Compose mounts the files as they are, so that the containers' users must be able to read
# them; the folder is closed instead.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 0700 secrets

users=$(grep '^user ' ../redis/users.acl.example)
for user in daemon notifier reader operator; do
    file=secrets/${user}_redis_url
    if [ ! -s "$file" ]; then
        password=$(od -An -N 32 -t x1 /dev/urandom | tr -d ' \n')
        echo "redis://$user:$password@redis:6379/0" >"$file"
    fi
    password=$(sed -E 's,^redis://[a-z]+:([^@]+)@.*,\1,' "$file")
    hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
    word=$(printf %s "$user" | tr '[:lower:]' '[:upper:]')_PASSWORD_SHA256
    users=$(printf '%s\n' "$users" | sed "s/#$word/#$hash/")
done
printf '%s\n' "$users" >secrets/redis_users
for name in oanda_access_token destinations; do
    [ -e "secrets/$name" ] || : >"secrets/$name"
done
[ -s secrets/oanda_access_token ] || echo "put the broker's token into $(pwd)/secrets/oanda_access_token, one line"
