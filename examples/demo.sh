#!/usr/bin/env bash
# What `make demo` runs: from a program, or from the directory ROOTFS, to a running container.
#
# Usage: examples/demo.sh [ROOTFS]
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
mkdir -p build

main() {
	if [ "${1-}" ]; then
		from_directory "$1"
	else
		from_program
	fi
}

from_program() {
	show cc -static -Os -o build/hello examples/hello/hello.c
	show fastlayer build --add build/hello:/app --entrypoint /app \
		-t custom/hello:latest -o build/hello.tar --json
	show fastlayer validate build/hello.tar
	start build/hello.tar custom/hello:latest
	say 'The same image from Python:'
	show python examples/hello.py build/hello build/hello-from-python.tar
}

from_directory() {
	[ -d "$1" ] || { echo "fastlayer: ROOTFS: \`$1\` is not a directory" >&2; exit 2; }
	show fastlayer build --rootfs "$1" --cmd /bin/sh \
		-t custom/rootfs:latest -o build/rootfs.tar --json
	show fastlayer validate build/rootfs.tar
	start build/rootfs.tar custom/rootfs:latest cat /etc/os-release
}

# Load an archive into an engine, if one answers here, and run its image.
start() {
	local archive=$1 engine
	shift
	if docker info; then
		engine=docker
	elif podman info; then
		engine=podman
	else
		say "No container engine answers here. Where one does: docker load -i $archive" \
			"&& docker run --rm $*"
		return
	fi >/dev/null 2>&1
	show "$engine" load -i "$archive"
	show "$engine" run --rm --network none "$@" ||
		say "$engine loaded the image but may not start containers here; where it may:" \
			"$engine run --rm $*"
}

# Print a command as it would be typed, then run it.
show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

say() {
	printf '\n%s\n' "$*"
}

main "$@"
