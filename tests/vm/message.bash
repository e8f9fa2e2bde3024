# SPDX-License-Identifier: Apache-2.0
#
# What the runner itself has to say. It goes to stderr only, with a prefix, so
# that stdout stays byte for byte what the command in the guest wrote.

message_quiet=

# Progress. --quiet drops it.
note() {
	[ -n "$message_quiet" ] || printf 'vm: %s\n' "$*" >&2
}

# Something went wrong. Nothing drops it.
warn() {
	printf 'vm: %s\n' "$*" >&2
}

# The runner's own failure. 125 as in timeout(1) and env(1): a code that a test
# command has no reason to use.
die() {
	warn "$@"
	exit 125
}
