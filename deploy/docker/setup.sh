#!/bin/sh
# Makes the secrets `docker compose` mounts into the services. What is there already is kept.
#
#   sh deploy/docker/setup.sh [FOLDER]      default: deploy/docker/secrets
#
#   master-key         what the broker's secrets are encrypted with: without it they cannot be read. Keep a copy
#   secret-key         the key of the environment (MILLRACE_ENV, default dev): what your programs call the gateway with
#   grafana-password   of Grafana's user admin
#
# The files can be read by everyone who can enter the folder (containers run as a user of their own), and only you can.
set -eu

dir=${1:-${MILLRACE_SECRETS_DIR:-$(dirname "$0")/secrets}}
case ${MILLRACE_ENV:-dev} in
  dev | development) prefix=tr_dev_ ;;
  staging) prefix=tr_stg_ ;;
  preview) prefix=tr_preview_ ;;
  *) prefix=tr_prod_ ;;
esac

(umask 077 && mkdir -p "$dir")

# $1 hexadecimal digits
random() {
  od -An -v -tx1 -N "$(($1 / 2))" /dev/urandom | tr -d ' \n'
}

# $1 name, $2 value; written beside and moved: a file that is there is complete
keep() {
  [ -s "$dir/$1" ] && return
  printf '%s\n' "$2" >"$dir/$1.new"
  chmod 644 "$dir/$1.new"
  mv "$dir/$1.new" "$dir/$1"
  echo "made $dir/$1"
}

keep master-key "$(random 64)"
keep secret-key "$prefix$(random 32)"
keep grafana-password "$(random 32)"
