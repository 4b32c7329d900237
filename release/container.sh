#!/usr/bin/env bash
# What `make dist-container` runs: installs wheel and sdist in a Debian that has nothing else, as a
# user would, from the locked files. As root; mounts are in a namespace of their own.
#
# Usage: release/container.sh FOLDER, with one wheel and one sdist in it
#
# Debian 12's compiler for Rust is too old, so the sdist gets this machine's, read-only. Names of hosts,
# certificates and pip's settings are this machine's too: the container reaches what it reaches.
set -euo pipefail
cd "$(dirname "$0")/.."

BARE=python3,python3-venv,ca-certificates
COMPILER=gcc,libc6-dev

main() {
	local folder
	folder=$(realpath "$1")
	work=$(mktemp -d --tmpdir fastlayer-container-XXXXXX)
	trap 'rm -rf --one-file-system "$work"' EXIT
	install wheel "$BARE" "$folder"/*.whl
	install sdist "$BARE,$COMPILER" "$folder"/*.tar.gz
}

# A root file system of its own for each, so that neither finds what the other needed.
install() {
	local name=$1 packages=$2 file=$3 root=$work/$1
	mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$root"
	mkdir "$root/given"
	cp -r "$file" requirements "$root/given"
	root=$root file=$(basename "$file") unshare --mount --propagation private bash -c "$(declare -f inside bind); inside"
	rm -rf --one-file-system "$root"
	echo "$name: installed and used in a Debian of $packages"
}

inside() {
	set -euo pipefail
	local place rust
	for place in /proc /dev /sys; do mount --rbind "$place" "$root$place"; done
	for place in /etc/resolv.conf /etc/hosts /etc/ssl/certs /etc/pip.conf; do bind "$place" "$place"; done
	if [[ $file == *.tar.gz ]]; then
		rust=$(rustc --print sysroot)
		bind "$rust" /opt/rust
	fi
	chroot "$root" /usr/bin/env -i PATH=/opt/rust/bin:/usr/bin:/bin HOME=/root FILE="$file" \
		PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 \
		${CARGO_PROFILE_RELEASE_LTO:+CARGO_PROFILE_RELEASE_LTO=$CARGO_PROFILE_RELEASE_LTO} \
		/bin/bash -euo pipefail -c '
			cd /root
			python3 -m venv venv
			locked=(-r /given/requirements/run.txt)
			[[ $FILE == *.whl ]] || locked+=(-r /given/requirements/build.txt)
			venv/bin/pip install --quiet --require-hashes "${locked[@]}"
			PATH=$PWD/venv/bin:$PATH venv/bin/pip install --quiet --no-index --no-deps --no-build-isolation "/given/$FILE"
			mkdir tree && echo content >tree/file
			venv/bin/fastlayer --help >/dev/null
			venv/bin/fastlayer build --rootfs tree -t clean:1 -o image.tar
			venv/bin/fastlayer validate image.tar
		'
}

# What is not there on this machine is not needed in the container.
bind() {
	[ -e "$1" ] || return 0
	if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root$(dirname "$2")" && : >>"$root$2"; fi
	mount --bind --options ro "$1" "$root$2"
}

main "$@"
