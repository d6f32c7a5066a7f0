# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# usage: what scripts do with --help, and with what they do not know. Sourced; the working directory is the root.

# usage "$@": with --help, prints the script's head and ends.
usage() {
	[ "${1:-}" = --help ] || return 0
	sed -n '3,$ { /^#/!q; s/^#[[:blank:]]\{0,1\}//p; }' "scripts/${0##*/}"
	exit 0
}

# no_arguments "$@": for scripts that take none.
no_arguments() {
	usage "$@"
	[ $# -gt 0 ] || return 0
	echo "${0##*/}: $1: unknown; scripts/${0##*/} --help" >&2
	exit 2
}
